use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Fallback, Place, UiOptions, Written, light, locate, parse, read};
use crate::cli::args::{ThemeName, UiArgs};

fn refused(text: &str) -> String {
    parse(Path::new("c.toml"), text).unwrap_err().message
}

fn place_of(variables: &[(&str, &str)]) -> Option<Place> {
    locate(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value)))
}

#[test]
fn every_key_is_read_and_none_is_needed() {
    let written = parse(Path::new("c.toml"), "[ui]\ntheme = \"okabe-ito\"\nfps = 30\nascii = true\nmouse = false\n");
    let expected = Written { theme: Some(ThemeName::OkabeIto), fps: Some(30), ascii: Some(true), mouse: Some(false) };
    assert_eq!(written.unwrap(), expected);
    for empty in ["", "# nothing\n", "[ui]\n"] {
        assert_eq!(parse(Path::new("c.toml"), empty).unwrap(), Written::default(), "{empty}");
    }
}

#[test]
fn mistakes_are_named_with_file_line_and_key() {
    for (text, message) in [
        ("[ui]\nfps = 1\nthem = \"mono\"\n", "c.toml:3: ui.them is not a known key: did you mean \"theme\"?"),
        ("[ui]\n\ncolour = 1", "c.toml:3: ui.colour is not a known key; known are theme, fps, ascii, mouse"),
        ("\n[iu]\nfps = 1", "c.toml:2: iu is not a known key: did you mean \"ui\"?"),
        ("theme = \"mono\"\n", "c.toml:1: theme is not a known table; there is [ui] only"),
        ("ui = 3\n", "c.toml:1: ui must be a table: write [ui] and the keys below it"),
        ("[ui]\nfps = 0\n", "c.toml:2: ui.fps must be a whole number, 1 to 30"),
        ("[ui]\nfps = 31\n", "c.toml:2: ui.fps must be a whole number, 1 to 30"),
        ("[ui]\nfps = -5\n", "c.toml:2: ui.fps must be a whole number, 1 to 30"),
        ("[ui]\nfps = \"5\"\n", "c.toml:2: ui.fps must be a whole number, 1 to 30"),
        ("[ui]\nascii = 1\n", "c.toml:2: ui.ascii must be true or false"),
        ("[ui]\nmouse = \"no\"\n", "c.toml:2: ui.mouse must be true or false"),
        (
            "[ui]\ntheme = \"ligth\"\n",
            "c.toml:2: ui.theme must be one of \"default\", \"light\", \"high-contrast\", \"okabe-ito\", \"mono\": did \
             you mean \"light\"?",
        ),
    ] {
        assert_eq!(refused(text), message);
    }
    assert!(refused("[ui]\nfps = \n").starts_with("c.toml:2: this is not TOML: "));
    assert!(refused("[ui]\nfps = 1\nfps = 2\n").starts_with("c.toml:3: "));
}

#[test]
fn the_file_is_looked_for_where_the_desktop_says() {
    let place = |path: &str, named| Some(Place { path: PathBuf::from(path), named });
    let home = ("HOME", "/home/me");
    assert_eq!(place_of(&[home, ("LOCKBENCH_CONFIG", "mine.toml")]), place("mine.toml", true));
    assert_eq!(place_of(&[home, ("XDG_CONFIG_HOME", "/xdg")]), place("/xdg/lockbench/config.toml", false));
    for ignored in [("XDG_CONFIG_HOME", ""), ("XDG_CONFIG_HOME", "relative"), ("LOCKBENCH_CONFIG", "")] {
        assert_eq!(place_of(&[home, ignored]), place("/home/me/.config/lockbench/config.toml", false));
    }
    assert_eq!(place_of(&[]), None);
}

#[test]
fn only_a_file_that_was_named_must_be_there() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    assert_eq!(read(&Place { path: path.clone(), named: false }).unwrap(), Written::default());
    let message = read(&Place { path: path.clone(), named: true }).unwrap_err().message;
    assert!(message.contains("config.toml: cannot read") && message.contains("LOCKBENCH_CONFIG"), "{message}");
    std::fs::create_dir(&path).unwrap();
    assert!(read(&Place { path, named: false }).is_err(), "something is there and cannot be read");
}

#[test]
fn a_flag_wins_over_the_file_and_the_file_over_no_color() {
    let none = (UiArgs::default(), Written::default());
    let no_color = Fallback { no_color: true, light: true, ascii: true };
    let plain = UiOptions { theme: ThemeName::Default, fps: 5, ascii: false, mouse: true, stay: false, panic_at: None };
    assert_eq!(UiOptions::of(&none.0, &none.1, Fallback::default()), plain);
    assert_eq!(UiOptions::of(&none.0, &none.1, no_color), UiOptions { theme: ThemeName::Mono, ascii: true, ..plain });
    let file = Written { theme: Some(ThemeName::Light), fps: Some(10), ascii: Some(true), mouse: Some(false) };
    let of_file =
        UiOptions { theme: ThemeName::Light, fps: 10, ascii: true, mouse: false, stay: false, panic_at: None };
    assert_eq!(UiOptions::of(&none.0, &file, no_color), of_file);
    let mut args =
        UiArgs { theme: Some(ThemeName::HighContrast), fps: Some(1), no_mouse: Some(false), ..UiArgs::default() };
    args.signs.ascii = Some(false);
    let of_args =
        UiOptions { theme: ThemeName::HighContrast, fps: 1, ascii: false, mouse: true, stay: false, panic_at: None };
    assert_eq!(UiOptions::of(&args, &file, no_color), of_args);
}

#[test]
fn a_light_terminal_that_says_so_gets_light_colours_and_an_ascii_locale_ascii_signs() {
    let of = |fallback| UiOptions::of(&UiArgs::default(), &Written::default(), fallback);
    for (told, is_light) in [("0;15", true), ("0;default;7", true), ("15;0", false), ("12;8", false), ("", false)] {
        let options = of(Fallback { light: light(Some(told.into())), ..Fallback::default() });
        assert_eq!(options.theme == ThemeName::Light, is_light, "{told}");
    }
    assert!(!light(None) && of(Fallback { ascii: true, ..Fallback::default() }).ascii);
}
