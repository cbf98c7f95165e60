package io.sluice.start;

import static java.util.concurrent.TimeUnit.SECONDS;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.util.JsonRecyclerPools;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import io.sluice.accept.AccessTokens;
import io.sluice.accept.Administration;
import io.sluice.accept.Answers;
import io.sluice.accept.BulkUpdates;
import io.sluice.accept.Callers;
import io.sluice.accept.ContractPage;
import io.sluice.accept.ContractPaths;
import io.sluice.accept.DeferredUpdates;
import io.sluice.accept.DriverList;
import io.sluice.accept.EventFeeds;
import io.sluice.accept.HttpBoundary;
import io.sluice.accept.HttpLimits;
import io.sluice.accept.IdempotencyKeys;
import io.sluice.accept.Inbox;
import io.sluice.accept.KafkaIntake;
import io.sluice.accept.Listing;
import io.sluice.accept.NativeApi;
import io.sluice.accept.PendingChange;
import io.sluice.accept.Receipts;
import io.sluice.accept.RequestWorkers;
import io.sluice.accept.Rollbacks;
import io.sluice.accept.Trials;
import io.sluice.accept.ZohoApi;
import io.sluice.apply.Gate;
import io.sluice.decode.Decoder;
import io.sluice.decode.Encoded;
import io.sluice.decode.StrictJson;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.monitor.Monitor;
import io.sluice.monitor.MonitorSettings;
import io.sluice.monitor.PendingChanges;
import io.sluice.probe.EgressPolicy;
import io.sluice.probe.Prober;
import io.sluice.probe.TestConnection;
import io.sluice.publish.DeadLetters;
import io.sluice.publish.Events;
import io.sluice.publish.Outbox;
import io.sluice.publish.PublisherClients;
import io.sluice.secrets.FirstToken;
import io.sluice.secrets.Redaction;
import io.sluice.secrets.Tokens;
import io.sluice.secrets.Vault;
import io.sluice.secrets.VaultException;
import io.sluice.start.embedded.Embedded;
import io.sluice.start.embedded.EmbeddedBroker;
import io.sluice.store.Bell;
import io.sluice.store.DataSources;
import io.sluice.store.Places;
import io.sluice.store.Resealing;
import io.sluice.store.Retention;
import io.sluice.store.Statements;
import io.sluice.store.StoreConnections;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.camel.CamelConfiguration;
import org.apache.camel.CamelContext;
import org.apache.camel.component.platform.http.PlatformHttpComponent;
import org.apache.camel.component.platform.http.vertx.VertxPlatformHttpServerConfiguration;
import org.apache.camel.health.HealthCheckRegistry;
import org.apache.camel.spi.PropertiesComponent;
import org.apache.camel.spi.Registry;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes everything that the routes name by {@code ref:} and {@code #name}: after the settings were
 * read, before the routes are loaded.
 */
public final class Wiring implements CamelConfiguration {
  private static final Logger LOG = LoggerFactory.getLogger(Wiring.class);
  private static final Path CONFIG = Path.of("config");

  private final boolean dev;
  private final Runnable stop;
  private final List<AutoCloseable> closed = new ArrayList<>();
  private final Properties known = new Properties();
  private Started started;
  private StoreHealth health;
  private HttpLimits api;

  /** What was started, for the greeting. */
  record Started(
      Configuration configuration,
      StorePool store,
      String brokers,
      FirstToken token,
      String tokenHash) {}

  /**
   * @param stop ends the process as one that failed; run when what it embeds is lost
   */
  public Wiring(boolean dev, Runnable stop) {
    this.dev = dev;
    this.stop = stop;
  }

  Started started() {
    return started;
  }

  /** The first steps are taken: from now on the service lets callers in, and calls itself ready. */
  void open() {
    api.open();
    health.open();
  }

  /**
   * Replaces each HTTP port 0 by one that is free. It has to be known before the servers start: no
   * connection test may go there, and two servers on port 0 would become one.
   */
  void choosePorts(CamelContext camel) {
    PropertiesComponent settings = camel.getPropertiesComponent();
    List<String> free =
        Stream.of("sluice.http.port", "sluice.management.port")
            .filter(key -> settings.resolveProperty(key).filter("0"::equals).isPresent())
            .toList();
    List<ServerSocket> held = new ArrayList<>();
    try {
      for (String key : free) {
        ServerSocket socket = new ServerSocket(0);
        held.add(socket);
        known.setProperty(key, Integer.toString(socket.getLocalPort()));
      }
      for (ServerSocket socket : held) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("This machine has no free port.", e);
    }
    settings.setOverrideProperties(known);
  }

  @Override
  public void configure(CamelContext camel) throws Exception {
    Configuration configuration =
        Configuration.read(
            dev, key -> camel.getPropertiesComponent().resolveProperty(key).orElse(null));
    logFrom(Level.valueOf(configuration.logLevel()));
    requireFree("sluice.http.port", configuration.http().port());
    requireFree("sluice.management.port", configuration.http().managementPort());
    StorePool store = closedAtEnd(new StorePool(configuration, CONFIG.resolve("sql/migrations")));
    camel.addLifecycleStrategy(store);
    String brokers = configuration.kafka().brokers();
    if (brokers == null) {
      EmbeddedBroker broker =
          closedAtEnd(
              explained(
                  () ->
                      Embedded.broker(
                          configuration.data(),
                          configuration.kafka().embeddedPort(),
                          configuration.kafka().topics(),
                          stop)));
      brokers = broker.bootstrap();
    }
    Vault vault = explained(() -> Vault.open(configuration.keyset().file(), dev));
    camel.addLifecycleStrategy(
        new KeysetCheck(store.connections(), vault, configuration.keyset().file()));
    FirstToken token =
        explained(
            () -> FirstToken.resolve(configuration.token(), configuration.data().resolve("token")));
    Redaction.open(List.of(token.token()));
    if (configuration.google() != null) {
      Redaction.open(List.of(configuration.google().secret()));
    }
    Tokens tokens = new Tokens(vault);

    ObjectMapper json = json();
    Clock clock = Clock.systemUTC();
    DriverCatalogue drivers =
        DriverCatalogue.load(CONFIG.resolve("drivers"), configuration.drivers());
    Prober prober =
        closedAtEnd(
            new Prober(
                drivers,
                new EgressPolicy(
                    configuration.egress().allow(),
                    configuration.egress().deny(),
                    configuration.egress().loopback(),
                    ownEndpoints(configuration, brokers)),
                configuration.probe(),
                configuration.google()));
    DataSources dataSources = new DataSources(vault, json);
    Events events = new Events(json, configuration.source(), configuration.kafka().eventsTopic());
    DeadLetters deadLetters = new DeadLetters(json, configuration.kafka().deadLetterTopic());
    Answers answers = new Answers(json);
    Gate gate =
        new Gate(
            drivers,
            dataSources,
            events,
            json,
            clock,
            configuration.monitor().pendingRetry(),
            configuration.inbox().lease().minus(configuration.probe().total()));

    Registry registry = camel.getRegistry();
    health = new StoreHealth(camel, store.connections());
    registry.bind("store", store.connections());
    registry.bind("storeConnections", new StoreConnections(configuration.store().poolWait()));
    Bell publisher = new Bell();
    Bell deadLettersWait = new Bell();
    registry.bind("statements", new Statements(CONFIG.resolve("sql"), publisher, deadLettersWait));
    registry.bind("answers", answers);
    Callers callers = new Callers(tokens);
    registry.bind("callers", callers);
    registry.bind("decoder", new Decoder(drivers));
    registry.bind("strictJson", StrictJson.mapper());
    registry.bind("gate", gate);
    registry.bind("prober", prober);
    registry.bind("testConnection", new TestConnection(prober));
    JsonNode contract = contract();
    registry.bind("native", new NativeApi(dataSources, events, answers, json, clock));
    registry.bind("listing", new Listing(dataSources, drivers, answers, json));
    registry.bind("rollbacks", new Rollbacks(dataSources, json));
    registry.bind("trials", new Trials(dataSources, answers, json));
    registry.bind("driverList", new DriverList(drivers, answers, json));
    registry.bind("contractPage", new ContractPage(answers.ok(contract)));
    IdempotencyKeys keys =
        new IdempotencyKeys(vault, dataSources, json, configuration.inbox().lease());
    registry.bind("keys", keys);
    DeferredUpdates deferred = new DeferredUpdates(vault, keys, answers, json);
    registry.bind("deferred", deferred);
    registry.bind("bulk", new BulkUpdates(deferred, keys, answers, json));
    registry.bind("feeds", new EventFeeds(configuration.kafka().eventsTopic(), json));
    registry.bind("receipts", new Receipts(answers, json));
    registry.bind("administration", new Administration(tokens, answers, json));
    registry.bind("accessTokens", new AccessTokens(tokens, answers, json));
    registry.bind("zoho", new ZohoApi(answers, json));
    registry.bind(
        "kafkaIntake", new KafkaIntake(vault, configuration.workspace(), deadLetters, json));
    registry.bind(
        "inbox",
        new Inbox(
            vault,
            gate,
            deadLetters,
            json,
            configuration.inbox().workers(),
            configuration.inbox().poll(),
            configuration.inbox().lease()));
    registry.bind("publisherClients", new PublisherClients());
    registry.bind(
        "outbox",
        new Outbox(
            json,
            configuration.kafka().deadLetterTopic(),
            configuration.kafka().structuredEvents(),
            configuration.outbox().batch(),
            publisher,
            deadLettersWait,
            configuration.outbox().poll(),
            configuration.outbox().lease()));

    registry.bind(
        "retention",
        new Retention(configuration.retention().events(), configuration.retention().updates()));

    registry.bind("resealing", new Resealing(vault, dataSources, json));

    MonitorSettings monitor = configuration.monitor();
    Places checks = new Places(monitor.checks(), "Checks");
    registry.bind("checkPlaces", checks);
    registry.bind("monitor", new Monitor(monitor, dataSources, events, json, checks));
    Places changes = new Places(monitor.checks(), "Pending changes");
    registry.bind("pendingPlaces", changes);
    registry.bind("pending", new PendingChanges(monitor, dataSources, gate, changes));
    registry.bind("pendingChange", new PendingChange(gate));

    http(camel, configuration, callers, new ContractPaths(contract), answers);
    camel.getCamelContextExtension().getContextPlugin(HealthCheckRegistry.class).register(health);

    known.setProperty("sluice.kafka.brokers", brokers);
    known.setProperty(
        "sluice.retention.period", Long.toString(configuration.retention().poll().toMillis()));
    known.setProperty(
        "sluice.keyset.period", Long.toString(configuration.keyset().poll().toMillis()));
    known.setProperty("sluice.monitor.period", Long.toString(monitor.poll().toMillis()));
    known.setProperty("sluice.monitor.consumers", Integer.toString(monitor.checks()));
    known.setProperty("sluice.inbox.consumers", Integer.toString(configuration.inbox().workers()));
    camel.getPropertiesComponent().setOverrideProperties(known);

    started = new Started(configuration, store, brokers, token, tokens.hash(token.token()));
  }

  /** What logback.xml keeps quieter stays so. */
  private static void logFrom(Level level) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(level);
    context.getLoggerList().stream()
        .filter(logger -> logger.getLevel() != null && level.isGreaterOrEqual(logger.getLevel()))
        .forEach(logger -> logger.setLevel(level));
  }

  /** Says what is wrong with a file or a port, and not where that was found. */
  private static <T> T explained(Supplier<T> read) {
    try {
      return read.get();
    } catch (VaultException | IllegalArgumentException | IllegalStateException e) {
      throw new StartFailure(e.getMessage());
    }
  }

  /** The server itself would only log that it cannot listen, and the start would go on without. */
  private static void requireFree(String key, int port) {
    try (ServerSocket probe = new ServerSocket(port)) {
      LOG.atDebug().addKeyValue("port", probe.getLocalPort()).log("A port is free.");
    } catch (IOException e) {
      throw new StartFailure(
          key + ": port " + port + " is taken by another process. Free it, or set another.");
    }
  }

  /**
   * Timestamps as text, as everything that leaves writes them; nothing said twice on the way in.
   * Buffers are shared: a thread that waits for a target keeps none.
   */
  static ObjectMapper json() {
    return JsonMapper.builder(
            JsonFactory.builder().recyclerPool(JsonRecyclerPools.sharedBoundedPool()).build())
        .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
        .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
        .addModule(new JavaTimeModule())
        .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
        .build();
  }

  private static JsonNode contract() throws IOException {
    return new ObjectMapper(new YAMLFactory()).readTree(CONFIG.resolve("openapi.yaml").toFile());
  }

  /** What no connection test may reach, whatever the policy says. */
  private static List<String> ownEndpoints(Configuration configuration, String brokers) {
    List<String> own = new ArrayList<>();
    Stream.of(brokers.split(",", -1)).map(String::strip).forEach(own::add);
    int management = configuration.http().managementPort();
    int http = configuration.http().port();
    Stream.of(management, http)
        .filter(port -> port > 0)
        .forEach(
            port -> {
              own.add("localhost:" + port);
              own.add("0.0.0.0:" + port);
            });
    // The development profile alone may use its own store's server as a target.
    if (!configuration.dev()) {
      own.addAll(StoreAddress.of(configuration.store().url()));
    }
    return own;
  }

  private void http(
      CamelContext camel,
      Configuration configuration,
      Callers callers,
      ContractPaths paths,
      Answers answers) {
    VertxPlatformHttpServerConfiguration server = new VertxPlatformHttpServerConfiguration();
    server.setBindPort(configuration.http().port());
    camel.getRegistry().bind("httpPort", server);
    api = new HttpLimits(answers, configuration.http().idle(), configuration.http().port());
    closedAtEnd(() -> api.close().toCompletionStage().toCompletableFuture().get(5, SECONDS));
    camel.getRegistry().bind("vertx", api);
    RequestWorkers workers =
        closedAtEnd(new RequestWorkers("request", configuration.http().workers()));
    RequestWorkers feeds = closedAtEnd(new RequestWorkers("feed", EventFeeds.MAX_FEEDS));
    HttpBoundary boundary =
        new HttpBoundary(
            Encoded.MAX_BYTES,
            configuration.http().bodyDeadline(),
            workers,
            callers,
            configuration.probe().queueWait(),
            feeds,
            paths,
            answers);
    boundary.setCamelContext(camel);
    camel.getComponent("platform-http", PlatformHttpComponent.class).setEngine(boundary);
  }

  private <T extends AutoCloseable> T closedAtEnd(T resource) {
    closed.add(0, resource);
    return resource;
  }

  /** Closes what was opened, the last first. */
  void close() {
    for (AutoCloseable resource : closed) {
      try {
        resource.close();
      } catch (Exception e) {
        LOG.atWarn().setCause(e).log("Something did not close cleanly.");
      }
    }
    closed.clear();
  }
}
