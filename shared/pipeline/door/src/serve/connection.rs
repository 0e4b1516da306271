//! One connection, from its first byte to its close.

use std::net::SocketAddr;

use axum::Router;
use http::HeaderValue;
use http::header::CONNECTION;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tracing::debug;

use super::ServeOptions;
use super::exchange::{Answering, Exchange};
use super::stalling::{Patience, Stalling};
use super::unreadable::{AnswerUnreadable, Unreadable};

/// How much of a request's header and of an answer one connection buffers.
const BUFFER_BYTES: usize = 64 * 1024;

/// How a connection ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    /// It waited for a request, and gave way to a new connection.
    pub gave_way: bool,
    /// Its last request's head could not be read.
    pub unreadable: Option<Unreadable>,
}

/// Serves until the client or the server closes, or the port asks for it through `exchange`.
pub(super) async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    service: Router,
    options: ServeOptions,
    exchange: Exchange,
    answer_unreadable: AnswerUnreadable,
) -> Ended {
    // Answers are small: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    let patience = Patience { idle: options.idle, header: options.header_read_timeout, keep_alive: options.keep_alive };
    let stream = Stalling::new(stream, patience, exchange.clone(), answer_unreadable);
    let service = TowerToHyperService::new(service);
    let answering = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let under_way = exchange.begin();
        let answer = service.call(request);
        let exchange = &exchange;
        async move {
            let mut answer = answer.await?;
            if exchange.is_last_answer() {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, std::convert::Infallible>(answer.map(|body| Answering::new(body, under_way)))
        }
    });
    // The patience for headers is ours: hyper's takes a timer for every request. A client may close its sending side once
    // its request is sent, and is answered all the same.
    let serving = http1::Builder::new()
        .header_read_timeout(None)
        .half_close(true)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), answering);
    tokio::pin!(serving);
    let ended = loop {
        tokio::select! {
            // First what has come in by now: a request that is there is answered, whatever is asked.
            biased;
            ended = &mut serving => break ended,
            () = exchange.asked() => {
                if exchange.is_stopped() {
                    serving.as_mut().graceful_shutdown();
                } else if exchange.waiting(Instant::now()).is_some() {
                    debug!(%peer, "connection gave way to a new one");
                    return Ended { gave_way: true, unreadable: None };
                }
            }
        }
    };
    let Err(error) = ended else { return Ended::default() };
    debug!(%peer, %error, "connection ended");
    Ended { gave_way: false, unreadable: Unreadable::of_error(&error) }
}
