# The image of all roles: `docker build -t tidegate .`, then `docker run tidegate --help`.
# Minimal: one binary, TLS and its certificates, an unprivileged user.

FROM rust:1.95-slim-bookworm AS build
# librdkafka is compiled here (g++, make, perl); OpenSSL is for encrypted connections to Kafka and Redis.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ libssl-dev make perl pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The name that deciders of this build register as, for example a commit; without it, the version and a hash over the
# sources.
ARG BUILD_OF_TIDEGATE=
# The caches outlive the build, so that the next one compiles only what changed.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    name="${BUILD_OF_TIDEGATE:-$(sh deploy/image/build-name)}" \
    && export BUILD_OF_TIDEGATE="$name" \
    && cargo build --release --locked -p tidegate --features kafka-ssl,redis-tls \
    && install -D -m 0755 target/release/tidegate /out/tidegate \
    && strip --strip-debug /out/tidegate

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/tidegate /usr/local/bin/tidegate
COPY --chmod=0755 deploy/image/ready /usr/local/bin/ready
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
# Clients, the read API, AgentGate's clients, operations.
EXPOSE 8080 8081 8082 9090
ENTRYPOINT ["tidegate"]
CMD ["--help"]
