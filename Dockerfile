# One static program in an empty image.
#
#   docker build -t portico .
#   docker run -p 127.0.0.1:8080:8080 -v portico:/data portico

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Naming the target keeps the flags away from build scripts, which cannot be static. The C library
# of this base image is linked in; it finds hosts by file and DNS without parts to load.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    target=$(rustc --version --verbose | sed -n 's/^host: //p') \
    && RUSTFLAGS="-C target-feature=+crt-static" \
       cargo build --locked --release --bin portico --target "$target" \
    && install -D "target/$target/release/portico" /out/portico \
    && install -d -m 0700 /out/data

FROM scratch
COPY --from=build /out/portico /portico
COPY --from=build --chown=10001:10001 /out/data /data
ENV PORTICO_DATA=/data PORTICO_LISTEN=0.0.0.0:8080
USER 10001
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/portico", "healthcheck"]
ENTRYPOINT ["/portico"]
CMD ["serve"]
