//! Kinds of servers, users and clients that a look must not be misled by.

mod etcd;
mod redis;
mod zookeeper;
