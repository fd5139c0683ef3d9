//! A backend's name as part of a file's name.

/// `postgres:advisory` becomes `postgres-advisory`.
#[must_use]
pub fn slug(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_slug_is_safe_in_a_path() {
        assert_eq!(slug("postgres:advisory"), "postgres-advisory");
        assert_eq!(slug("../A b"), "---a-b");
    }
}
