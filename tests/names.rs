//! The names that clients come by: in the certificate, in signatures, and told back to them.

use tests::client::{Client, Credentials};

use crate::Site;

const NAME: &str = "boot-x.c1.kafka-serverless.us-east-1.amazonaws.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_told_the_name_that_it_came_by() {
    let site = Site::start_with(|launch| launch.flag("--name").flag(NAME));
    let default = "boot-demo.c1.kafka-serverless.us-east-1.localhost";
    for name in [NAME, default, "localhost"] {
        let endpoint = site.access.endpoint.by_name(name).unwrap();
        let mut signed = site.access.signed();
        signed.host = name.to_owned();
        let credentials = [
            site.access.scram(),
            Credentials::MskIam(signed.clone()),
            Credentials::OauthBearer(signed),
        ];
        for credentials in credentials {
            let client = Client::open(&endpoint, &credentials).await;
            let mut client =
                client.unwrap_or_else(|error| panic!("{name}, {credentials:?}: {error}"));
            let told = client.metadata(None).await.unwrap();
            assert!(
                told.brokers.iter().all(|broker| broker.host == name),
                "{:?}",
                told.brokers
            );
            let ids: Vec<i32> = told.brokers.iter().map(|broker| broker.node_id).collect();
            assert!(
                ids.contains(&told.controller_id),
                "{} of {ids:?}",
                told.controller_id
            );
        }
    }
    site.check().await;
}
