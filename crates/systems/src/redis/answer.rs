//! One command and what is certain about it afterwards. The crate returns one
//! error type for everything; a lock client has to know whether its request can
//! have had an effect.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use redis::aio::MultiplexedConnection;
use redis::{Cmd, RedisError, ServerError, Value};

/// What came of one command.
#[derive(Debug)]
pub enum Answer {
    /// The server's reply.
    Value(Value),
    /// Surely no effect: the server does not know the script. Send it in full.
    NoScript,
    /// Surely no effect: the server refused to execute it.
    Refused(String),
    /// Surely no effect: it was never given to the connection, which is dead.
    NotSent(String),
    /// No answer within the limit. The connection may live: later commands on it
    /// are executed after this one.
    Late,
    /// The answer is lost, and with it the connection.
    Lost(RedisError),
    /// The server's reply is not one that the command can give, or it is an error that does not
    /// tell whether the command had an effect.
    Strange(String),
}

/// Errors with which Redis refuses a command or a script's first write, before
/// anything has changed (`scriptPrepareForRun` and `scriptCall` in Redis's
/// src/script.c; `processCommand` in src/server.c). Any other error, `ERR` and
/// `WRONGTYPE` above all, may come from the middle of a script.
const WITHOUT_EFFECT: [&str; 15] = [
    "ASK",
    "BUSY",
    "CLUSTERDOWN",
    "CROSSSLOT",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "MOVED",
    "NOAUTH",
    "NOPERM",
    "NOREPLICAS",
    "OOM",
    "READONLY",
    "TRYAGAIN",
    "UNKILLABLE",
];

/// Sends one command and awaits its answer. Meant for a current-thread runtime:
/// there a request that ends at its first poll has never left this function,
/// because the connection's own task cannot have run; it failed because that
/// task is gone.
pub async fn ask(connection: &mut MultiplexedConnection, command: &Cmd) -> Answer {
    let mut request = pin!(connection.send_packed_command(command));
    let first = poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await;
    let result = match first {
        Poll::Ready(Err(error)) => return Answer::NotSent(error.to_string()),
        Poll::Ready(done) => done,
        Poll::Pending => request.await,
    };
    match result {
        Ok(Value::ServerError(error)) => refusal(&error),
        Ok(value) => Answer::Value(value),
        Err(error) if error.is_timeout() => Answer::Late,
        Err(error) => Answer::Lost(error),
    }
}

fn refusal(error: &ServerError) -> Answer {
    let text = format!("{} {}", error.code(), error.details().unwrap_or_default());
    match error.code() {
        "NOSCRIPT" => Answer::NoScript,
        code if WITHOUT_EFFECT.contains(&code) => Answer::Refused(text),
        _ => Answer::Strange(text),
    }
}
