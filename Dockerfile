# One build for all services:   docker build --target worker .
# The last stage is all of them: docker build -t taskmaster . && docker run taskmaster src/worker/main.ts
#
# Every stage is made of oven/bun:1.4.5-slim; the services differ in what they run, and only the scheduler has the
# dashboard. Run them with an init (`docker run --init`, `init: true`), so that what tasks leave behind is reaped.

FROM oven/bun:1.4.5-slim AS manifest
WORKDIR /app
COPY package.json bun.lock bunfig.toml ./

FROM manifest AS dashboard
RUN bun install --frozen-lockfile --ignore-scripts
COPY tsconfig.json ./
COPY src src
COPY web web
RUN bun run build

# Optional packages are the embedded PostgreSQL's binaries: here the database is another container.
FROM manifest AS modules
RUN bun install --frozen-lockfile --production --omit optional --ignore-scripts

FROM oven/bun:1.4.5-slim AS base
ENV NODE_ENV=production
# The same as RUNTIME in src/cli/up/services.ts, which says what it is for.
ENV BUN_JSC_heapGrowthMaxIncrease=1
WORKDIR /app
COPY --from=modules /app/node_modules node_modules
COPY package.json LICENSE ./
COPY proto proto
COPY sql sql
COPY src src
USER bun
STOPSIGNAL SIGTERM
ENTRYPOINT ["bun"]

FROM base AS coordinator
ENV COORDINATOR_HOST=0.0.0.0
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["bun", "src/cli/alive.ts", "coordinator"]
CMD ["src/coordinator/main.ts"]

FROM base AS worker
ENV ALIVE_FILE=/tmp/alive
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD test $(( $(date +%s) - $(stat -c %Y /tmp/alive) )) -lt 30
CMD ["src/worker/main.ts"]

FROM base AS docker-proxy
EXPOSE 2375
CMD ["src/docker-proxy/main.ts"]

FROM base AS scheduler
COPY --from=dashboard /app/web/dist web/dist
ENV SCHEDULER_HOST=0.0.0.0
EXPOSE 8081
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ["bun", "src/cli/alive.ts", "scheduler"]
CMD ["src/scheduler/main.ts"]

# Whatever is asked for: src/coordinator/main.ts, src/scheduler/main.ts, src/worker/main.ts, src/cli/main.ts.
FROM scheduler AS taskmaster
ENV COORDINATOR_HOST=0.0.0.0
EXPOSE 8080
HEALTHCHECK NONE
CMD ["src/cli/main.ts", "--help"]
