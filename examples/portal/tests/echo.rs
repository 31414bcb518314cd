//! The namespace for plain Socket.IO.

#![allow(clippy::unwrap_used)]

mod support;

use roamio_portal::{Server, ServerConfig};
use support::client::{Client, Seen};

#[tokio::test]
async fn events_come_back_and_acks_carry_the_arguments() {
    let server = Server::start(ServerConfig::default()).await.unwrap();
    let path = "/socket.io/?EIO=4&transport=websocket";
    let mut client = Client::open(&server, path, true).await;
    assert!(client.packet().await.starts_with('0'));
    client.send("40/echo,").await;
    assert!(client.packet().await.starts_with("40/echo,{"));
    client.send(r#"42/echo,["say",{"b":1,"a":"ä"},null]"#).await;
    assert_eq!(client.packet().await, r#"42/echo,["say",{"b":1,"a":"ä"},null]"#);
    client.send(r#"42/echo,7["ask"]"#).await;
    assert_eq!(client.packet().await, r#"42/echo,["ask"]"#);
    assert_eq!(client.packet().await, "43/echo,7[]");
    client.settle().await;
    assert_eq!(client.leftovers(), Vec::<Seen>::new());
}
