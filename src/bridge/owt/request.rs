//! Requests of protocols 1.0 to 1.2: each a call that says what its answer is.

use super::json::Json;
use super::media::Signaling;
use super::publish::Publish;
use super::stream::StreamOperation;
use super::subscribe::{Subscribe, SubscriptionOperation};
use crate::bridge::conference::{Conference, RequestOptions};
use crate::bridge::error::RoamioError;
use crate::bridge::payload::Payload;
use crate::owt::request::{self, Controlled, Request};

type Started = request::Started;

/// What a publication or subscription that has begun is known by.
#[uniffi::remote(Record)]
pub struct Started {
    /// The publication, which is the stream once it is there, or the subscription.
    pub id: String,
    /// What to negotiate for with `soac`.
    pub transport_id: String,
}

/// All of them wait, are given up and throw as `request`.
#[uniffi::export]
impl Conference {
    /// Send media to the room. Throws `INVALID_JSON` for an answer of another shape.
    #[uniffi::method(default(options))]
    pub async fn publish(
        &self,
        publish: Publish,
        options: RequestOptions,
    ) -> Result<Started, RoamioError> {
        Ok(self.inner.call(&publish, options.into())?.await?)
    }

    /// Stop a publication of one's own.
    #[uniffi::method(default(options))]
    pub async fn unpublish(
        &self,
        id: String,
        options: RequestOptions,
    ) -> Result<Payload, RoamioError> {
        self.ask(request::Unpublish { id }, options).await
    }

    /// Receive media from the room. Throws `INVALID_JSON` for an answer of another shape.
    #[uniffi::method(default(options))]
    pub async fn subscribe(
        &self,
        subscribe: Subscribe,
        options: RequestOptions,
    ) -> Result<Started, RoamioError> {
        Ok(self.inner.call(&subscribe, options.into())?.await?)
    }

    /// Stop a subscription of one's own.
    #[uniffi::method(default(options))]
    pub async fn unsubscribe(
        &self,
        id: String,
        options: RequestOptions,
    ) -> Result<Payload, RoamioError> {
        self.ask(request::Unsubscribe { id }, options).await
    }

    /// Do something with a stream of one's own. Gives the region where it was asked for.
    #[uniffi::method(default(options))]
    pub async fn stream_control(
        &self,
        id: String,
        operation: StreamOperation,
        options: RequestOptions,
    ) -> Result<Option<String>, RoamioError> {
        let request = request::StreamControl { id, operation };
        match self.inner.call(&request, options.into())?.await? {
            Controlled::Region(region) => Ok(region.region),
            Controlled::Done(_) => Ok(None),
        }
    }

    /// Do something with a subscription of one's own.
    #[uniffi::method(default(options))]
    pub async fn subscription_control(
        &self,
        id: String,
        operation: SubscriptionOperation,
        options: RequestOptions,
    ) -> Result<Payload, RoamioError> {
        self.ask(request::SubscriptionControl { id, operation }, options).await
    }

    /// Negotiate for the transport of a publication or subscription. The portal's part comes as
    /// progress.
    #[uniffi::method(default(options))]
    pub async fn soac(
        &self,
        transport_id: String,
        signaling: Signaling,
        options: RequestOptions,
    ) -> Result<Payload, RoamioError> {
        self.ask(request::Soac { id: transport_id, signaling }, options).await
    }

    /// Say something to a participant, or to `all`, oneself included.
    #[uniffi::method(default(options))]
    pub async fn text(
        &self,
        to: String,
        message: Json,
        options: RequestOptions,
    ) -> Result<Payload, RoamioError> {
        self.ask(request::Text { to, message }, options).await
    }
}

impl Conference {
    /// A request whose answer says only that it was done, or is read by the host.
    pub(super) async fn ask<R: Request + Send>(
        &self,
        request: R,
        options: RequestOptions,
    ) -> Result<Payload, RoamioError> {
        Ok(self.inner.request_json(R::NAME, &request, options.into())?.await?.into())
    }
}
