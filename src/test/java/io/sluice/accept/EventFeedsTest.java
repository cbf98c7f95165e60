package io.sluice.accept;

import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.accept.Api.Answer;
import io.sluice.contract.ContractFile;
import io.sluice.contract.DocumentedAnswers;
import io.sluice.servers.SluiceProcess;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;

/** Server-sent events, over a process of the product. */
final class EventFeedsTest {
  private static final SluiceProcess SLUICE = SluiceProcess.shared();
  private static final Api API = new Api(SLUICE);
  private static final Executor SENDERS =
      task -> {
        Thread sender = new Thread(task, "sender");
        sender.setDaemon(true);
        sender.start();
      };

  /** One event as it was received. */
  private record Received(String id, String name, JsonNode event) {}

  /** A client that reads for as long as it is open. */
  private static final class Follower implements AutoCloseable {
    private final String request;
    private final Socket socket;
    private final List<Received> events = new CopyOnWriteArrayList<>();
    private volatile String status;
    private volatile String position;
    private volatile boolean ended;

    Follower(String token, String after) {
      try {
        socket = new Socket(SLUICE.api().getHost(), SLUICE.api().getPort());
        request =
            "GET /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer "
                + token
                + (after == null ? "" : "\r\nLast-Event-ID: " + after)
                + "\r\n\r\n";
        socket.getOutputStream().write(request.getBytes(UTF_8));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      Thread reader = new Thread(this::read, "follower");
      reader.setDaemon(true);
      reader.start();
      await().until(() -> position != null || (status != null && !status.contains("200")));
    }

    /** Chunk sizes stand on lines of their own, which are no lines of an event. */
    private void read() {
      try (BufferedReader in =
          new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8))) {
        String first = in.readLine();
        String headers = headers(in);
        boolean stream = first.contains(" 200 ");
        String body = stream ? "" : in.lines().collect(joining());
        DocumentedAnswers.checkRaw(request, first + "\r\n" + headers + body);
        status = first;
        String id = null;
        String name = null;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          if (line.startsWith("id: ")) {
            id = line.substring(4);
            position = id;
          } else if (line.startsWith("event: ")) {
            name = line.substring(7);
          } else if (line.startsWith("data: ")) {
            events.add(new Received(id, name, Api.JSON.readTree(line.substring(6))));
          }
        }
      } catch (IOException e) {
        // The test is over.
      }
      ended = true;
    }

    /** As far as the empty line; the stream behind it has no end to wait for. */
    private static String headers(BufferedReader in) throws IOException {
      StringBuilder headers = new StringBuilder();
      String line;
      do {
        line = in.readLine();
        headers.append(line).append("\r\n");
      } while (!line.isEmpty());
      return headers.toString();
    }

    Received about(String dataSource, String name) {
      return about(dataSource, name, 0);
    }

    /**
     * @param version 0: any
     */
    Received about(String dataSource, String name, int version) {
      return await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () ->
                  events.stream()
                      .filter(e -> e.event().path("subject").asText().equals(dataSource))
                      .filter(e -> e.name().equals("sluice.datasource." + name))
                      .filter(e -> version == 0 || e.event().at("/data/version").asInt() == version)
                      .findFirst()
                      .orElse(null),
              found -> found != null);
    }

    /** The ids of the events that tell of its updates. */
    List<String> updatesOf(String dataSource) {
      return events.stream()
          .filter(e -> e.event().path("subject").asText().equals(dataSource))
          .filter(e -> e.name().contains(".update"))
          .map(e -> e.event().path("id").asText())
          .toList();
    }

    @Override
    public void close() {
      try {
        socket.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @Test
  void whatHappensIsToldWhileTheClientListens() {
    try (Follower follower = new Follower(SLUICE.token(), null)) {
      assertThat(follower.status).contains(" 200 ");
      String id = API.create(API.works());
      API.put(id, API.works().put("database", "nobody-made-it"));
      API.request("DELETE", "/datasources/" + id).admin().send();

      Received created = follower.about(id, "created");
      Received failed = follower.about(id, "update-failed");
      follower.about(id, "deleted");

      assertThat(created.event().path("data").path("version").asInt()).isEqualTo(1);
      assertThat(failed.event().at("/data/reason").asText()).isEqualTo("DATABASE_NOT_FOUND");
      assertAsTheContractHasThem(follower.events);
      assertThat(follower.events)
          .extracting(e -> e.event().toString())
          .noneMatch(text -> text.contains(SLUICE.target().password()));
    }
  }

  @Test
  void everyEndOfAnUpdateIsToldAsTheContractHasIt() {
    try (Follower follower = new Follower(SLUICE.token(), null)) {
      String id = API.create(API.works());
      API.put(id, API.works().put("sshUsername", "hop"));
      API.request("POST", "/datasources/" + id + "/rollback")
          .admin()
          .body("application/json", "{\"version\":1}")
          .send();
      for (int i = 0; i < 2; i++) {
        API.request("PUT", "/datasources/" + id + "?onUnreachable=pending")
            .admin()
            .json(API.works().put("port", 1))
            .send();
      }
      API.request("DELETE", "/datasources/" + id + "/pending").admin().send();

      List<Received> told =
          await()
              .atMost(Duration.ofSeconds(20))
              .until(
                  () ->
                      follower.events.stream()
                          .filter(e -> e.event().path("subject").asText().equals(id))
                          .toList(),
                  events -> events.size() == 5);
      assertThat(told)
          .extracting(e -> e.event().at("/data/reason").asText() + e.event().at("/data/intake"))
          .containsExactlyInAnyOrder(
              "\"http\"", "\"http\"", "\"rollback\"", "SUPERSEDED\"http\"", "CANCELLED\"http\"");
      assertAsTheContractHasThem(told);
    }
  }

  private static void assertAsTheContractHasThem(List<Received> events) {
    assertThat(events)
        .allSatisfy(
            e ->
                assertThat(ContractFile.objectionsOf(ContractFile.CLOUD_EVENT, e.event()))
                    .as("%s", e.event())
                    .isEmpty());
  }

  @Test
  void aClientGoesOnWhereItLeftOffWithoutAGapOrARepetition() {
    List<String> told = new ArrayList<>();
    String id = API.create(API.works());
    String left;
    try (Follower follower = new Follower(SLUICE.token(), null)) {
      API.put(id, API.works().put("sshUsername", "turn-0"));
      left = follower.about(id, "updated").id();
    }
    for (int i = 1; i <= 5; i++) {
      API.put(id, API.works().put("sshUsername", "turn-" + i));
    }
    try (Follower follower = new Follower(SLUICE.token(), left)) {
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () ->
                  assertThat(follower.events)
                      .filteredOn(e -> e.event().path("subject").asText().equals(id))
                      .extracting(e -> e.event().at("/data/version").asInt())
                      .containsExactly(3, 4, 5, 6, 7));
      follower.events.forEach(e -> told.add(e.id()));
    }
    assertThat(told).doesNotHaveDuplicates().doesNotContain(left);
  }

  @Test
  void anEventWhoseTransactionCommitsLateIsNotMissed() throws SQLException {
    String early = "late-" + UUID.randomUUID();
    try (Follower follower = new Follower(SLUICE.token(), null);
        Connection store = SLUICE.store();
        Statement statement = store.createStatement()) {
      store.setAutoCommit(false);
      statement.execute(
          "insert into outbox (event_id, workspace_id, topic, headers, body, published_at) select"
              + " gen_random_uuid(), '"
              + SLUICE.workspace()
              + "', 'datasource.events', '{\"ce_type\":\"sluice.datasource.deleted\","
              + "\"ce_subject\":\""
              + early
              + "\"}', '{}', now()");
      String later = API.create(API.works());
      // What was written first and is not committed yet holds back what came after it.
      await()
          .during(Duration.ofSeconds(2))
          .atMost(Duration.ofSeconds(20))
          .until(
              () ->
                  follower.events.stream()
                      .noneMatch(e -> e.event().path("subject").asText().equals(later)));
      store.commit();

      follower.about(early, "deleted");
      follower.about(later, "created");
    }
  }

  @Test
  void whoComesBackAfterEventsWereRemovedIsToldThatSomeAreGone() throws SQLException {
    String id = API.create(API.works());
    String left;
    try (Follower follower = new Follower(SLUICE.token(), null)) {
      API.put(id, API.works().put("sshUsername", "removed"));
      left = follower.about(id, "updated").id();
      API.put(id, API.works().put("sshUsername", "removed too"));
      follower.about(id, "updated", 3);
    }
    age(id, 3, "8 days");
    try (Follower follower = new Follower(SLUICE.token(), left)) {
      await().atMost(Duration.ofSeconds(20)).until(() -> !follower.events.isEmpty());
      assertThat(follower.events.get(0).name()).isEqualTo("sluice.gone");
      // What is left follows, and later ones do.
      API.put(id, API.works().put("sshUsername", "kept"));
      left = follower.about(id, "updated", 4).id();
    }
    age(id, 4, "6 days");
    try (Follower follower = new Follower(SLUICE.token(), left)) {
      API.put(id, API.works().put("sshUsername", "kept too"));
      follower.about(id, "updated", 5);
      assertThat(follower.events).extracting(Received::name).doesNotContain("sluice.gone");
      assertThat(outbox(id)).contains(4).doesNotContain(3);
    }
  }

  @Test
  void whoComesBackFromAStoreThatWasReplacedIsToldThatSomeMayBeGoneAndHearsTheNext() {
    String id = API.create(API.works());
    try (Follower follower = new Follower(SLUICE.token(), "9000000000000000000-7")) {
      await().atMost(Duration.ofSeconds(20)).until(() -> !follower.events.isEmpty());
      assertThat(follower.events.get(0).name()).isEqualTo("sluice.gone");
      API.put(id, API.works().put("sshUsername", "after it"));
      follower.about(id, "updated");
    }
  }

  @Test
  void whoComesBackAtOnceHasMissedNothing() {
    List<Follower> followers = new ArrayList<>();
    try {
      // Often enough that nothing at all has happened in the store between the two.
      for (int i = 0; i < 20; i++) {
        Follower first = new Follower(SLUICE.token(), null);
        first.close();
        followers.add(new Follower(SLUICE.token(), first.position));
      }
      String id = API.create(API.works());
      for (Follower follower : followers) {
        follower.about(id, "created");
        assertThat(follower.events).extracting(Received::name).doesNotContain("sluice.gone");
      }
    } finally {
      followers.forEach(Follower::close);
    }
  }

  @Test
  void eventsOfADataSourceComeInTheOrderInWhichTheyArePublished() throws Exception {
    String id = API.create(API.works());
    String subject = " from outbox where convert_from(record_key, 'UTF8') = '" + id + "'";
    try (Follower follower = new Follower(SLUICE.token(), null);
        Connection store = SLUICE.store();
        Statement statement = store.createStatement()) {
      // All of them come to their ends while somebody else is at the data source.
      store.setAutoCommit(false);
      statement.executeQuery("select 1 from data_sources where id = '" + id + "' for update");
      List<CompletableFuture<Answer>> sent = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        ObjectNode update = API.works().put("sshUsername", "hop-" + i);
        if (i % 3 > 0) {
          update.put("database", "nobody-made-it");
        }
        Api.Request request = API.request("PUT", "/datasources/" + id).admin().json(update);
        if (i % 3 > 1) {
          request.header("Idempotency-Key", UUID.randomUUID().toString());
        }
        sent.add(CompletableFuture.supplyAsync(request::send, SENDERS));
      }
      // Nobody has told anything yet, or everybody has who could.
      await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () -> {
                try (Connection observer = SLUICE.store();
                    Statement question = observer.createStatement();
                    ResultSet waiting =
                        question.executeQuery(
                            "select count(*) from pg_stat_activity where wait_event_type = 'Lock'")) {
                  waiting.next();
                  long ended = sent.stream().filter(CompletableFuture::isDone).count();
                  return waiting.getInt(1) + ended >= 8;
                }
              });
      store.commit();
      sent.forEach(CompletableFuture::join);
      await().atMost(Duration.ofSeconds(20)).until(() -> follower.updatesOf(id).size() == 12);
      store.setAutoCommit(true);
      ResultSet published =
          statement.executeQuery(
              "select string_agg(event_id::text, ' ' order by seq)"
                  + subject
                  + " and seq > (select min(seq)"
                  + subject
                  + ")");
      published.next();
      assertThat(String.join(" ", follower.updatesOf(id))).isEqualTo(published.getString(1));
    }
  }

  /** Lets it be so long ago that the event of a version was published, and waits for a sweep. */
  private static void age(String id, int version, String interval) throws SQLException {
    String of =
        " where convert_from(record_key, 'UTF8') = '"
            + id
            + "' and convert_from(body, 'UTF8')::json ->> 'version' = '"
            + version
            + "'";
    try (Connection store = SLUICE.store();
        Statement statement = store.createStatement()) {
      await()
          .atMost(Duration.ofSeconds(20))
          .until(
              () ->
                  statement.executeUpdate(
                          "update outbox set published_at = now() - interval '"
                              + interval
                              + "'"
                              + of
                              + " and published_at is not null")
                      == 1);
      if (interval.equals("8 days")) {
        await().atMost(Duration.ofSeconds(20)).until(() -> !outbox(id).contains(version));
      }
    }
  }

  /** The versions of which the outbox has the events. */
  private static List<Integer> outbox(String id) throws SQLException {
    List<Integer> versions = new ArrayList<>();
    try (Connection store = SLUICE.store();
        Statement statement = store.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select (convert_from(body, 'UTF8')::json ->> 'version')::int from outbox where"
                    + " convert_from(record_key, 'UTF8') = '"
                    + id
                    + "'")) {
      while (rows.next()) {
        versions.add(rows.getInt(1));
      }
    }
    return versions;
  }

  @Test
  void anotherWorkspaceHearsNothing() {
    String stranger = API.tokenIn("org-feeds", "workspace-feeds", "datasources:read");
    try (Follower there = new Follower(stranger, null);
        Follower here = new Follower(SLUICE.token(), null)) {
      String id = API.create(API.works());
      here.about(id, "created");

      assertThat(there.status).contains(" 200 ");
      assertThat(there.events).isEmpty();
    }
  }

  @Test
  void aRefusedAddressLooksLikeAnUnknownNameToWhoeverMayNotDiagnose() {
    String id = API.create(API.works());
    try (Follower follower = new Follower(API.token("datasources:read"), null)) {
      API.put(id, API.works().put("host", "169.254.169.254"));

      assertThat(follower.about(id, "update-failed").event().toString())
          .contains("UNKNOWN_HOST")
          .doesNotContain("POLICY_DENIED");
    }
  }

  @Test
  void aWithdrawnTokenEndsTheStream() throws SQLException {
    String token = API.tokenIn("org-gone", "workspace-gone", "datasources:read");
    try (Follower follower = new Follower(token, null);
        Connection store = SLUICE.store();
        Statement statement = store.createStatement()) {
      statement.execute("delete from api_tokens where workspace_id = 'workspace-gone'");

      await().atMost(Duration.ofSeconds(20)).until(() -> follower.ended);
    }
  }

  @Test
  void whatIsNoPositionIsRefused() {
    for (String id : List.of("x", "1", "1-", "-1", "1-2-3", "9".repeat(30) + "-1")) {
      assertThat(API.get("/events").header("Last-Event-ID", id).send().status()).isEqualTo(422);
    }
    assertThat(API.request("GET", "/events").send().status()).isEqualTo(403);
    assertThat(API.get("/events?x=1").send().status()).isEqualTo(422);
  }

  @Test
  void aClientTooManyIsToldToComeLater() {
    List<Follower> followers = new ArrayList<>();
    try {
      for (int i = 0; i < EventFeeds.MAX_FEEDS; i++) {
        followers.add(new Follower(SLUICE.token(), null));
      }
      assertThat(API.get("/events").send().status()).isEqualTo(503);
    } finally {
      followers.forEach(Follower::close);
    }
    // Those who have left make room.
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> {
              try (Follower follower = new Follower(SLUICE.token(), null)) {
                assertThat(follower.status).contains(" 200 ");
              }
            });
  }
}
