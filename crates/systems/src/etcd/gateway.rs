//! Requests to etcd's JSON gateway, for what is asked of a server outside of any session, by threads
//! that have no runtime (<https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/>).

use std::io::{Read, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::stack::start_recipe::{Site, connect_to};
use lockbench_core::lock::Endpoint;

/// Longest wait for what the members must agree on: longer than an election takes.
const AGREED_WITHIN: Duration = Duration::from_secs(5);
/// How often a change of the members is asked for: for longer than the five seconds for which etcd wants to have been
/// connected to a member before it counts it as healthy.
const TRIES: usize = 60;
/// Pause between two such questions.
const PAUSE: Duration = Duration::from_millis(500);

/// Asks a member whether it leads: it knows the leader of its cluster, which may be itself
/// (<https://etcd.io/docs/v3.4/dev-guide/api_reference_v3/#message-statusresponse-etcdserveretcdserverpbrpcproto>).
pub(super) fn leads(member: &Endpoint) -> Result<bool, String> {
    let status = post(member.host_port(), "/v3/maintenance/status", &json!({}), None)?;
    let asked = status["header"]["member_id"].as_str().ok_or("its status names no member")?;
    Ok(status["leader"].as_str() == Some(asked))
}

/// Takes a member out of its cluster and adds it anew, as the manual wants it for one that lost its data
/// (<https://etcd.io/docs/v3.4/op-guide/runtime-configuration/#replace-a-failed-machine>).
pub(super) fn replace(site: &Site) -> Result<(), String> {
    let url = super::start::peer_url(site, site.number);
    let others = (0..site.members.len()).filter(|number| *number != site.number);
    let mut problem = "it has no peers".to_owned();
    // They may be electing a leader.
    for other in others.cycle().take(TRIES) {
        let address = format!("127.0.0.1:{}", site.member(other).first().copied().unwrap_or_default());
        match exchange(&address, &url) {
            Ok(()) => return Ok(()),
            Err(why) => problem = format!("{address}: {why}"),
        }
        std::thread::sleep(PAUSE);
    }
    Err(format!("its cluster does not take it back without its data: {problem}"))
}

fn exchange(address: &str, url: &str) -> Result<(), String> {
    let list = post(address, "/v3/cluster/member/list", &json!({}), Some(AGREED_WITHIN))?;
    let has_url = |member: &&Value| member["peerURLs"].as_array().is_some_and(|urls| urls.contains(&json!(url)));
    if let Some(member) = list["members"].as_array().into_iter().flatten().find(has_url) {
        post(address, "/v3/cluster/member/remove", &json!({ "ID": member["ID"] }), Some(AGREED_WITHIN))?;
    }
    post(address, "/v3/cluster/member/add", &json!({ "peerURLs": [url] }), Some(AGREED_WITHIN)).map(drop)
}

/// One request; HTTP/1.0, so that the answer ends with its connection.
fn post(address: &str, path: &str, body: &Value, within: Option<Duration>) -> Result<Value, String> {
    let mut stream = connect_to(address)?;
    if within.is_some() {
        stream.set_read_timeout(within).map_err(|error| error.to_string())?;
    }
    let body = body.to_string();
    let request = format!("POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("its answer is cut short")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(format!("{path} answered {status}: {}", body.trim()));
    }
    serde_json::from_str(body).map_err(|error| format!("{path} answered what is no JSON: {error}"))
}
