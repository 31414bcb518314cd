//! Certificates, made when they are needed.

use openssl::pkcs12::Pkcs12;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::X509;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PublicKeyData,
    date_time_ymd,
};
use sha2::{Digest, Sha256};

/// An authority that signs certificates.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
    /// What a server sends behind its own certificate, PEM.
    chain: String,
}

/// A certificate, those that it needs to be trusted, and its key: PEM.
#[derive(Clone)]
pub struct Identity {
    pub certificates: String,
    pub key: String,
    /// The pin of its key.
    pub pin: String,
}

fn named(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority_named(name: &str, names: &[&str]) -> CertificateParams {
    let mut params = named(name, names);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Identity {
    fn new(certificates: String, key: &KeyPair) -> Self {
        use base64::Engine as _;
        let hash = Sha256::digest(key.subject_public_key_info());
        let pin = format!("sha256/{}", base64::engine::general_purpose::STANDARD.encode(hash));
        Self { certificates, key: key.serialize_pem(), pin }
    }

    pub fn self_signed(name: &str) -> Self {
        // Some systems trust an authority that is called localhost.
        Self::vouching_for_itself(&named("itself", &[name]))
    }

    /// One with which others could be signed, as it comes out of `openssl req -x509`.
    pub fn authority(name: &str) -> Self {
        Self::vouching_for_itself(&authority_named(name, &[name]))
    }

    pub fn expired_authority(name: &str) -> Self {
        let mut params = authority_named(name, &[name]);
        params.not_after = date_time_ymd(2020, 1, 1);
        Self::vouching_for_itself(&params)
    }

    fn vouching_for_itself(params: &CertificateParams) -> Self {
        let key = KeyPair::generate().unwrap();
        Self::new(params.self_signed(&key).unwrap().pem(), &key)
    }

    /// The same as an archive.
    pub fn pkcs12(&self, password: &str) -> Vec<u8> {
        let certificate = X509::from_pem(self.certificates.as_bytes()).unwrap();
        let key = PKey::private_key_from_pem(self.key.as_bytes()).unwrap();
        let mut builder = Pkcs12::builder();
        let archive = builder.name("client").pkey(&key).cert(&certificate).build2(password);
        archive.unwrap().to_der().unwrap()
    }
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority_named(name, &[]);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem, chain: String::new() }
    }

    /// Another one that this one vouches for.
    pub fn intermediate(&self) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = authority_named("intermediate", &[]);
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Self { issuer: Issuer::new(params, key), chain: pem.clone(), pem }
    }

    fn signed(&self, params: &CertificateParams, key: &KeyPair) -> Identity {
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        Identity::new(certificate.pem() + &self.chain, key)
    }

    /// A certificate for a name or an address, which is its common name, too.
    pub fn sign(&self, name: &str) -> Identity {
        self.signed(&named(name, &[name]), &KeyPair::generate().unwrap())
    }

    /// A server's certificate with which others could be signed.
    pub fn sign_authority(&self, name: &str) -> Identity {
        self.signed(&authority_named(name, &[name]), &KeyPair::generate().unwrap())
    }

    pub fn sign_expired(&self, name: &str) -> Identity {
        let mut params = named(name, &[name]);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.signed(&params, &KeyPair::generate().unwrap())
    }

    pub fn sign_early(&self, name: &str) -> Identity {
        let mut params = named(name, &[name]);
        params.not_before = date_time_ymd(3000, 1, 1);
        params.not_after = date_time_ymd(3001, 1, 1);
        self.signed(&params, &KeyPair::generate().unwrap())
    }

    pub fn sign_rsa(&self, name: &str) -> Identity {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let pem = String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap();
        self.signed(&named(name, &[name]), &KeyPair::from_pem(&pem).unwrap())
    }
}
