//! Two tenants' virtual clusters, and a client that says one message after the other.

use std::sync::Arc;

use auth::{
    Entropy, Exchange, FakeSaltSecret, Refusal, ScramSalts, SignInContext, SignInFailure, SignedIn,
    Step, StepInput, TlsName, scram_credential,
};
use model::{AccessKey, ClusterMap, Limits, TenantId, Timestamp, VirtualCluster, VirtualClusterId};

/// 2026-01-15T12:00:00Z, the clock of the vectors.
pub const NOON: Timestamp = Timestamp(1_768_478_400_000);
pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
pub const TOKEN: &str = "FwoGZXIvYXdzEXAMPLE+session/token==";
pub const BOOTSTRAP: &str = "boot-abc12345.c1.kafka-serverless.us-east-1.amazonaws.com";
pub const DEMO: VirtualClusterId = VirtualClusterId(1);
pub const OTHER: VirtualClusterId = VirtualClusterId(2);
pub const ALLOW_ALL: &str =
    r#"{"Statement":{"Effect":"Allow","Action":"kafka-cluster:*","Resource":"*"}}"#;

pub fn access_key(id: &str, token: Option<&str>) -> AccessKey {
    AccessKey {
        access_key_id: id.to_owned(),
        secret_access_key: SECRET.to_owned(),
        session_token: token.map(str::to_owned),
        expires_at: None,
        principal_arn: format!("arn:aws:iam::000000000001:user/{id}"),
        policies: vec![ALLOW_ALL.to_owned()],
    }
}

pub fn virtual_cluster(id: VirtualClusterId, name: &str, hosts: &[&str]) -> VirtualCluster {
    VirtualCluster {
        id,
        tenant: TenantId(id.0),
        name: name.to_owned(),
        cluster_id: format!("abcd1234-0123-abcd-5678-1234abcd-{}", id.0),
        account: "000000000001".to_owned(),
        region: "us-east-1".to_owned(),
        advertised_names: hosts.iter().map(|&host| host.to_owned()).collect(),
        limits: Limits::default(),
        auto_create_topics: false,
        default_partitions: 1,
        replication_factors: vec![3, -1],
        virtual_brokers: 3,
        groups: model::GroupSettings::default(),
        access_keys: Default::default(),
        scram_users: Default::default(),
    }
}

/// `demo` has AKIDEXAMPLE and the users alice and both; `other` AKIDOTHER, bob and both.
pub fn clusters() -> [VirtualCluster; 2] {
    let mut demo = virtual_cluster(DEMO, "demo", &[BOOTSTRAP, "a.example"]);
    let mut other = virtual_cluster(OTHER, "other", &["b.example"]);
    add_key(&mut demo, access_key("AKIDEXAMPLE", None));
    add_key(&mut other, access_key("AKIDOTHER", None));
    for (cluster, users) in [
        (&mut demo, ["alice", "both"]),
        (&mut other, ["bob", "both"]),
    ] {
        for user in users {
            add_user(cluster, user, "pencil");
        }
    }
    [demo, other]
}

pub fn add_key(cluster: &mut VirtualCluster, key: AccessKey) {
    cluster.access_keys.insert(key.access_key_id.clone(), key);
}

pub fn add_user(cluster: &mut VirtualCluster, name: &str, password: &str) {
    let salt = cluster.id.0 as u8;
    let salts = ScramSalts {
        sha256: [salt; 16],
        sha512: [salt + 100; 16],
    };
    let mut user = scram_credential(name, password, 4096, &salts).unwrap();
    user.policies.push(ALLOW_ALL.to_owned());
    cluster.scram_users.insert(name.to_owned(), user);
}

pub fn map_of(clusters: impl IntoIterator<Item = VirtualCluster>) -> ClusterMap {
    let mut map = ClusterMap::default();
    let mut shared = Vec::new();
    for cluster in clusters {
        for key in cluster.access_keys.keys() {
            map.access_key_owner.insert(key.clone(), cluster.id);
        }
        for user in cluster.scram_users.keys() {
            if map
                .scram_user_owner
                .insert(user.clone(), cluster.id)
                .is_some()
            {
                shared.push(user.clone());
            }
        }
        for name in &cluster.advertised_names {
            map.name_owner.insert(name.clone(), cluster.id);
        }
        map.virtual_clusters.insert(cluster.id, Arc::new(cluster));
    }
    for user in shared {
        map.scram_user_owner.remove(&user);
    }
    map
}

pub fn map() -> ClusterMap {
    map_of(clusters())
}

/// The map, with another key in the place of AKIDEXAMPLE.
pub fn map_with(key: AccessKey) -> ClusterMap {
    let [mut demo, other] = clusters();
    demo.access_keys.clear();
    add_key(&mut demo, key);
    map_of([demo, other])
}

pub struct Client<'a> {
    pub map: &'a ClusterMap,
    pub now: Timestamp,
    pub tls_name: TlsName,
}

impl<'a> Client<'a> {
    /// A client that sent no name in TLS, at noon.
    pub fn new(map: &'a ClusterMap) -> Self {
        Self {
            map,
            now: NOON,
            tls_name: TlsName::Absent,
        }
    }

    pub fn named(map: &'a ClusterMap, name: &str) -> Self {
        Self {
            tls_name: TlsName::resolve(Some(name), map),
            ..Self::new(map)
        }
    }

    pub fn at(self, now: Timestamp) -> Self {
        Self { now, ..self }
    }

    pub fn start(&self, mechanism: &str) -> Exchange {
        let context = SignInContext::new(self.tls_name, FakeSaltSecret::new([7; 32]));
        Exchange::start(mechanism, context).unwrap()
    }

    pub fn step(&self, exchange: &mut Exchange, message: &[u8]) -> Step {
        let input = StepInput {
            map: self.map,
            now: self.now,
            entropy: Entropy {
                request_id: [0x11; 16],
                nonce: [0x22; 24],
            },
        };
        exchange.step(message, &input)
    }

    /// Signs in by a single message.
    pub fn say(&self, mechanism: &str, message: &[u8]) -> Step {
        self.step(&mut self.start(mechanism), message)
    }

    /// Signs in by one OAUTHBEARER message, and by 0x01 if that was not enough.
    pub fn bear(&self, message: &[u8]) -> Step {
        let mut exchange = self.start("OAUTHBEARER");
        match self.step(&mut exchange, message) {
            Step::Continue(challenge) => {
                assert_eq!(&*challenge, br#"{"status":"invalid_token"}"#);
                self.step(&mut exchange, b"\x01")
            }
            step => step,
        }
    }
}

#[track_caller]
pub fn done(step: Step) -> SignedIn {
    match step {
        Step::Done { identity, .. } => identity,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub fn refused(step: Step) -> Refusal {
    match step {
        Step::Refuse(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

/// Why it was refused, having checked that the tenant was told nothing.
#[track_caller]
pub fn denied(step: Step) -> SignInFailure {
    let refusal = refused(step);
    assert_eq!(
        refusal.reason,
        "[11111111-1111-4111-9111-111111111111]: Access denied"
    );
    refusal.detail
}
