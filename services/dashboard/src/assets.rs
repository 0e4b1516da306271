//! The files that pages load, compiled in. Each has its own path with a hash of its content, so that it may be kept for
//! ever.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use axum::extract::{FromRequestParts, Request};
use axum::extract::{RawPathParams, State};
use axum::response::Response;
use axum::routing::MethodRouter;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use sha2::{Digest, Sha256};
use tidegate_door::endpoint_routes::refusing_other_methods;
use tidegate_door::entry::with_type;
use tidegate_door::{Entered, framed};

use crate::endpoint::Endpoint;
use crate::problem::Problem;
use crate::reads::Pages;

/// One file.
pub struct Asset {
    /// Where it is loaded from.
    pub path: String,
    content_type: &'static str,
    body: &'static str,
}

pub static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("dashboard", "css", "text/css; charset=utf-8", include_str!("../assets/dashboard.css"))
});
pub static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("dashboard", "js", "text/javascript; charset=utf-8", include_str!("../assets/dashboard.js"))
});
pub static ICON: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg")));

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, body: &'static str) -> Self {
        let mut hash = String::new();
        for byte in Sha256::digest(body).iter().take(8) {
            // Writing to a String cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        Asset { path: format!("/assets/{name}.{hash}.{extension}"), content_type, body }
    }

    /// The file that is loaded from this path.
    pub fn at(path: &str) -> Option<&'static Asset> {
        let assets: [&Asset; 3] = [&STYLE, &SCRIPT, &ICON];
        assets.into_iter().find(|asset| asset.path == path)
    }

    /// The file as an answer, which may be kept forever.
    pub fn response(&self) -> Response {
        kept_for_ever(with_type(self.content_type, self.body))
    }
}

fn kept_for_ever(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// `/assets/…`: without a session, as it holds nothing of any team.
pub(crate) fn route() -> MethodRouter<Arc<Pages>> {
    let show = async |State(pages): State<Arc<Pages>>, request: Request| {
        let response = framed(pages, Endpoint::Asset, request, async |Entered { mut parts, .. }: Entered<Pages>| {
            let params = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(|_| Problem::NotFound)?;
            let path = params.iter().find(|(name, _)| *name == "file").map(|(_, file)| format!("/assets/{file}"));
            let asset = path.as_deref().and_then(Asset::at).ok_or(Problem::NotFound)?;
            Ok(with_type(asset.content_type, asset.body))
        })
        .await;
        // The frame forbids to keep what it answers.
        if response.status().is_success() { kept_for_ever(response) } else { response }
    };
    refusing_other_methods(Endpoint::Asset, "GET, HEAD", axum::routing::get(show))
}
