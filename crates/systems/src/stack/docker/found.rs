//! Healthy containers as a [`Server`].

use std::sync::Arc;

use super::claim::Claim;
use super::container::Container;
use super::engine::Engine;
use super::error::DockerError;
use super::node::{ContainerNode, answers, peers_network};
use crate::ServerKind;
use crate::stack::node::Node;
use crate::stack::server::{Place, Server};

/// The tag of an image, whether or not a digest follows it.
fn tag(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or(image);
    name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).map_or("latest", |(_, tag)| tag)
}

/// The handle of these containers, which are all of a kind and healthy. `claim`:
/// they were started by us.
pub(super) fn server(
    engine: &Engine,
    project: &str,
    kind: ServerKind,
    containers: &[&Container],
    claim: Option<Arc<Claim>>,
) -> Result<Server, DockerError> {
    let peers = peers_network(engine, project)?;
    let mut nodes: Vec<Box<dyn Node>> = Vec::new();
    for container in containers {
        let address = container.address()?;
        answers(&address).map_err(|problem| DockerError::Unreachable {
            service: container.service().to_owned(),
            address,
            problem,
        })?;
        nodes.push(Box::new(ContainerNode::new(engine, container, peers.as_deref(), claim.clone())?));
    }
    let program = containers.first().map_or("", |container| container.image()).to_owned();
    Ok(Server {
        kind,
        version: tag(&program).to_owned(),
        remarks: vec![format!("containers of {program}")],
        durability: containers.first().and_then(|container| container.durability()).map(str::to_owned),
        program,
        nodes,
        place: claim.map_or(Place::Found, Place::Docker),
    })
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn the_version_of_an_image_is_its_tag() {
        assert_eq!(tag("redis:8.2.3-bookworm"), "8.2.3-bookworm");
        assert_eq!(tag("quay.io/coreos/etcd:v3.6.4@sha256:0123"), "v3.6.4");
        assert_eq!(tag("registry:5000/redis"), "latest");
    }
}
