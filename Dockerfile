FROM python:3.11-slim AS build
WORKDIR /isoko
COPY pyproject.toml README.md ./
COPY requirements/run.txt requirements/
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY bot bot
COPY config config
RUN /venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation -e .

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home isoko && mkdir /data && chown isoko /data
COPY --from=build /venv /venv
COPY --from=build /isoko /isoko
WORKDIR /isoko
USER 10001
ENV ISOKO_ENV=production ISOKO_DATA_DIR=/data ISOKO_HOST=0.0.0.0
VOLUME /data
EXPOSE 8080
# By the settings: another port, TLS that ends here and names that are served are theirs.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10s CMD ["/venv/bin/isoko", "alive"]
ENTRYPOINT ["/venv/bin/isoko"]
CMD ["serve"]
