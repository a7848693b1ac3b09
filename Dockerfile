# syntax=docker/dockerfile:1
# One static binary in an image without a shell. Build: docker build -t smoothschedule .
FROM golang:1.26-bookworm AS build
WORKDIR /src
ENV CGO_ENABLED=0
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
# What `smoothschedule version` prints: --build-arg VERSION=v1.2.3 --build-arg COMMIT=$(git rev-parse HEAD)
ARG VERSION=
ARG COMMIT=
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -ldflags="-s -w -X main.version=${VERSION} -X main.commit=${COMMIT}" -o /out/smoothschedule ./cmd/smoothschedule

# Brings CA certificates and time zones; user 65532.
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/smoothschedule /smoothschedule
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["/smoothschedule", "healthcheck"]
# serve lists what has to be set; see docs/guides/install.md.
ENTRYPOINT ["/smoothschedule"]
CMD ["serve"]
