package io.sluice.start;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.servers.Installation;
import io.sluice.servers.MuteServer;
import io.sluice.servers.PostgresServer;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

final class StopTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** What P26 allows. */
  private static final Duration STOPPED_WITHIN = Duration.ofSeconds(30);

  @Test
  void anInstanceThatStopsSaysSoAndEndsWithStatusZeroAndWithItsDatabase() throws Exception {
    try (SluiceProcess sluice = SluiceProcess.setup().start()) {
      ProcessHandle database = sluice.embeddedStore().orElseThrow();
      assertThat(database.isAlive()).isTrue();
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(sluice.api() + "/datasources"))
              .header("Authorization", "Bearer " + sluice.token())
              .build();
      CompletableFuture<Set<Integer>> client =
          CompletableFuture.supplyAsync(() -> statusesUntilTheEnd(request));
      assertThat(sluice.stop()).isZero();
      // Not that nothing is there.
      assertThat(client.get(60, TimeUnit.SECONDS)).isSubsetOf(200, 503);
      assertThat(pidFile(sluice)).doesNotExist();
      await().atMost(Duration.ofSeconds(20)).until(() -> !database.isAlive());
    }
  }

  @Test
  void anInstanceWhoseStoreBrokerAndTargetsAllFreezeStopsInTimeAndItsWorkGoesBack()
      throws Exception {
    try (Installation installation = Installation.started(setup -> {});
        MuteServer first = MuteServer.start();
        MuteServer second = MuteServer.start()) {
      String queued = installation.create();
      installation.produce(queued, Installation.json(on(first, installation)), Map.of());
      await("the record to be at work").atMost(LIMIT).until(() -> first.connections() > 0);
      String id = installation.create();
      CompletableFuture<HttpResponse<String>> waiting =
          CompletableFuture.supplyAsync(() -> installation.put(id, on(second, installation)));
      await("the request to be at work").atMost(LIMIT).until(() -> second.connections() > 0);
      installation.broker().pause();
      installation.store().pause();

      long begun = System.nanoTime();
      assertThat(installation.process().stop()).isZero();
      assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(STOPPED_WITHIN);
      assertThat(waiting.get(5, TimeUnit.SECONDS).statusCode()).isEqualTo(503);

      installation.store().resume();
      installation.broker().resume();
      installation.process().start();
      assertThat(installation.awaitEvents(queued, 2)).hasSize(2);
    }
  }

  @Test
  void anInstanceThatStartsTellsNobodyThatNothingIsThere() throws IOException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    String token = "slc_known-before-the-start";
    HttpClient http = HttpClient.newHttpClient();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/datasources"))
            .header("Authorization", "Bearer " + token)
            .build();
    Set<Integer> statuses = new HashSet<>();
    try (SluiceProcess sluice =
        SluiceProcess.setup()
            .setting("HTTP_PORT", Integer.toString(port))
            .setting("SLUICE_TOKEN", token)
            .prepared()
            .launch()) {
      await()
          .atMost(Duration.ofSeconds(90))
          .pollInterval(Duration.ofMillis(5))
          .ignoreExceptionsInstanceOf(IOException.class)
          .failFast(() -> !sluice.handle().isAlive())
          .until(
              () -> {
                int status =
                    http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
                statuses.add(status);
                return status == 200;
              });
    }
    assertThat(statuses).containsExactly(200);
  }

  private static Map<String, Object> on(MuteServer server, Installation installation) {
    Map<String, Object> settings = installation.settings();
    settings.put("port", server.port());
    return settings;
  }

  private static Set<Integer> statusesUntilTheEnd(HttpRequest request) {
    HttpClient http = HttpClient.newHttpClient();
    Set<Integer> statuses = new HashSet<>();
    try {
      while (!Thread.currentThread().isInterrupted()) {
        HttpResponse<Void> answer = http.send(request, HttpResponse.BodyHandlers.discarding());
        statuses.add(answer.statusCode());
        if (answer.statusCode() == 503) {
          assertThat(answer.headers().firstValue("Retry-After")).isPresent();
        }
      }
    } catch (IOException e) {
      // It has stopped.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return statuses;
  }

  @Test
  void aStartThatFailsEndsTheProcessWithStatusOneAndLeavesNoServer() throws Exception {
    try (ServerSocket taken = new ServerSocket()) {
      taken.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
      try (SluiceProcess sluice =
          SluiceProcess.setup()
              .setting("KAFKA_PORT", Integer.toString(taken.getLocalPort()))
              .prepared()) {
        sluice.launch().handle().onExit().get(90, TimeUnit.SECONDS);
        assertThat(sluice.awaitExit()).isEqualTo(1);
        assertThat(sluice.data().resolve("postgres/ready")).exists();
        assertThat(pidFile(sluice)).doesNotExist();
        assertThat(sluice.logged()).contains("Sluice did not start.", "KAFKA_PORT");
      }
    }
  }

  @Test
  void aStartThatTheStoreFailsSaysInOneLineWhatToDo() throws Exception {
    try (PostgresServer server = PostgresServer.setup().start();
        PostgresServer forgetful = PostgresServer.setup().setting("fsync", "off").start();
        SluiceProcess nobody = withStore(server).setting("STORE_URL", nothingThere()).prepared();
        SluiceProcess stranger = withStore(server).setting("STORE_PASSWORD", "wrong").prepared();
        SluiceProcess noDatabase =
            withStore(server).setting("STORE_URL", server.jdbcUrl("elsewhere")).prepared();
        SluiceProcess lost = withStore(server).prepared();
        SluiceProcess careless = withStore(forgetful).prepared()) {
      forgetful.execute("alter role postgres set synchronous_commit = off");
      // The store is there at first, and fails what comes last.
      Files.writeString(
          lost.config().resolve("sql/first-rows.sql"),
          "select pg_terminate_backend(pg_backend_pid()), "
              + ":?org, :?workspace, :?hash, :?scopes, :?replace");
      List<SluiceProcess> all = List.of(nobody, stranger, noDatabase, lost, careless);
      all.forEach(SluiceProcess::launch);
      List<String> hints =
          List.of(
              "STORE_URL",
              "STORE_USER",
              "no such database",
              "went away during the start",
              "Turn fsync and synchronous_commit on");
      for (int i = 0; i < all.size(); i++) {
        SluiceProcess process = all.get(i);
        process.handle().onExit().get(90, TimeUnit.SECONDS);
        assertThat(process.awaitExit()).as(process.logged()).isEqualTo(1);
        assertThat(process.logged().lines().filter(line -> line.contains("level=ERROR")))
            .anySatisfy(line -> assertThat(line).contains("Sluice did not start. The store"));
        assertThat(process.logged()).contains(hints.get(i));
      }
    }
  }

  private static SluiceProcess.Setup withStore(PostgresServer server) {
    return SluiceProcess.setup()
        .store(server, server.createDatabase())
        .setting("KAFKA_BROKERS", "127.0.0.1:1");
  }

  private static String nothingThere() {
    return "jdbc:postgresql://127.0.0.1:1/sluice";
  }

  private static Path pidFile(SluiceProcess sluice) {
    return sluice.data().resolve("postgres/cluster/postmaster.pid");
  }
}
