package io.sluice.publish;

import static io.sluice.servers.Installation.header;
import static io.sluice.servers.Installation.json;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.servers.Alteration;
import io.sluice.servers.Installation;
import io.sluice.servers.KafkaServer;
import io.sluice.servers.MuteServer;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ListOffsetsResult.ListOffsetsResultInfo;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Events are delivered at least once and in order, whatever happens to brokers and publishers. */
final class OutboxTest {
  private static final Duration LIMIT = Duration.ofSeconds(40);

  /**
   * To send what the broker does not take takes 10 s at most (P9), and on a busy machine some more.
   */
  private static final Duration AN_ATTEMPT = Duration.ofSeconds(14);

  private static final Duration PUBLISHER_LEASE = Duration.ofSeconds(2);

  private static Installation installation;

  @BeforeAll
  static void start() {
    installation =
        Installation.started(
            setup -> setup.setting("SLUICE_OUTBOX_LEASE", PUBLISHER_LEASE.toSeconds() + "s"));
  }

  @AfterAll
  static void noSecretShowsAnywhere() {
    try {
      installation.assertNoSecretShows();
    } finally {
      installation.close();
    }
  }

  private static List<String> create(int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ids.add(installation.create());
    }
    return ids;
  }

  /** Updates each data source this often, by HTTP. */
  private static void update(URI api, List<String> ids, int times) throws Exception {
    for (int i = 0; i < times; i++) {
      for (String id : ids) {
        assertThat(
                installation
                    .call(api, "PUT", "/datasources/" + id, installation.settings())
                    .statusCode())
            .isEqualTo(200);
      }
    }
  }

  private static void awaitAllPublished() {
    await("the outbox to drain")
        .atMost(LIMIT)
        .pollInterval(Duration.ofMillis(100))
        .until(
            () ->
                "0"
                    .equals(
                        installation.value(
                            "select count(*) from outbox where published_at is null")));
  }

  /** Every event of the outbox is on the topic, in the outbox's order, the same each time. */
  private static void assertDeliveredInOrder(List<String> ids) {
    awaitAllPublished();
    for (String id : ids) {
      Set<String> delivered = new LinkedHashSet<>();
      Map<String, String> contents = new HashMap<>();
      for (ConsumerRecord<byte[], byte[]> event : installation.events(id)) {
        String eventId = header(event, "ce_id");
        delivered.add(eventId);
        String content = event.headers() + Installation.text(event.value());
        assertThat(contents.putIfAbsent(eventId, content)).isIn(null, content);
      }
      List<String> written =
          installation
              .rows(
                  "select event_id from outbox where topic = '"
                      + Installation.EVENTS
                      + "' and convert_from(record_key, 'UTF8') = '"
                      + id
                      + "' order by seq")
              .stream()
              .map(row -> row.get("event_id"))
              .toList();
      assertThat(List.copyOf(delivered)).isEqualTo(written);
    }
  }

  @Test
  void withoutABrokerUpdatesAreAcceptedAndTheirEventsDrainInOrderWhenItIsBack() throws Exception {
    List<String> ids = create(3);
    installation.broker().kill();
    try {
      update(installation.process().api(), ids, 3);
      assertThat(installation.value("select count(*) > 0 from outbox where published_at is null"))
          .isEqualTo("t");
    } finally {
      installation.broker().start();
    }
    assertDeliveredInOrder(ids);
  }

  @Test
  void aBrokerOrATargetThatIsDownMakesNoInstanceUnreadyOrDead() throws Exception {
    String id = create(1).get(0);
    installation.broker().kill();
    try {
      Map<String, Object> away = installation.settings();
      away.put("port", 1);
      assertThat(installation.put(id, away).statusCode()).isEqualTo(422);
      await()
          .during(Duration.ofSeconds(2))
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () -> {
                assertThat(installation.process().health("ready")).isEqualTo(200);
                assertThat(installation.process().health("live")).isEqualTo(200);
              });
    } finally {
      installation.broker().start();
    }
  }

  @Test
  void aBrokerThatWasNeverSeenAndComesInTheMiddleOfABatchReordersNothing() throws Exception {
    List<String> ids = create(2);
    awaitAllPublished();
    installation.process().stop();
    installation.broker().kill();
    try {
      installation.process().start();
      update(installation.process().api(), ids, 10);
    } finally {
      installation.broker().start();
    }
    assertDeliveredInOrder(ids);
  }

  @Test
  void aStopUnderLoadFinishesWhatItBeganLeavesTheRestAndDeliversNothingTwice() throws Exception {
    SluiceProcess process = installation.process();
    URI api = process.api();
    List<String> ids = create(3);
    String queued = ids.get(0);
    String busy = ids.get(1);
    Map<String, Object> hangs = installation.settings();
    try (MuteServer mute = MuteServer.start()) {
      hangs.put("port", mute.port());
      CompletableFuture<HttpResponse<String>> hanging = put(api, ids.get(2), hangs);
      // The others wait behind the first, whose target does not answer.
      for (int i = 0; i < 4; i++) {
        Map<String, Object> settings = i == 0 ? hangs : installation.settings();
        installation.produce(queued, json(settings), Map.of());
      }
      List<CompletableFuture<HttpResponse<String>>> puts = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        puts.add(put(api, busy, installation.settings()));
      }
      await("both tests to hang and the queue to fill")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> mute.connections() == 2 && pending(queued) == 4);
      CompletableFuture<List<Integer>> readiness =
          CompletableFuture.supplyAsync(() -> readinessUntilTheEnd(process));
      long begin = System.nanoTime();

      assertThat(process.stop()).isZero();

      assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(30));
      assertThat(readiness.get(LIMIT.toSeconds(), TimeUnit.SECONDS)).endsWith(503);
      assertThat(hanging.get().statusCode()).isEqualTo(422);
      for (CompletableFuture<HttpResponse<String>> put : puts) {
        assertThat(put.get().statusCode()).isIn(200, 503);
      }
      assertThat(pending(queued)).isPositive();
      process.start();
      await("what was left to be done")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(100))
          .until(() -> pending(queued) == 0);
      long applied = puts.stream().filter(put -> put.join().statusCode() == 200).count();
      assertThat(installation.get(queued).path("version").asInt()).isEqualTo(4);
      assertThat(installation.get(busy).path("version").asLong()).isEqualTo(1 + applied);
      awaitAllPublished();
      assertThat(installation.events(queued)).hasSize(5);
      assertThat(installation.events(busy)).hasSize(1 + (int) applied);
      assertThat(installation.events(ids.get(2))).hasSize(2);
      assertDeliveredInOrder(List.of(queued, busy));
    }
  }

  private static CompletableFuture<HttpResponse<String>> put(
      URI api, String id, Map<String, Object> settings) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return installation.call(api, "PUT", "/datasources/" + id, settings);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static int pending(String id) {
    return Integer.parseInt(
        installation.value(
            "select count(*) from updates where state = 'pending' and data_source_id = '"
                + id
                + "'"));
  }

  /** What readiness says one after the other, from the first time that it says something else. */
  private static List<Integer> readinessUntilTheEnd(SluiceProcess process) {
    List<Integer> said = new ArrayList<>();
    try {
      while (process.handle().isAlive()) {
        int now = process.health("ready");
        if (said.isEmpty() || said.get(said.size() - 1) != now) {
          said.add(now);
        }
        LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
      }
    } catch (UncheckedIOException e) {
      // It has stopped listening.
    }
    return said;
  }

  @Test
  void aTopicThatIsMissingHoldsUpNoOther() throws Exception {
    List<String> ids = create(1);
    awaitAllPublished();
    try (Admin admin = installation.broker().admin()) {
      admin.deleteTopics(List.of(Installation.DEAD_LETTERS)).all().get();
    }
    List<RecordMetadata> unreadable = new ArrayList<>();
    try {
      // Many keys: each of them may have to be told that there is no topic.
      for (int i = 0; i < 12; i++) {
        unreadable.add(installation.produce(ids.get(0) + "-" + i, "{".getBytes(UTF_8), Map.of()));
      }
      await("the dead letters to wait")
          .atMost(LIMIT)
          .until(
              () ->
                  "12"
                      .equals(
                          installation.value(
                              "select count(*) from outbox where published_at is null")));
      long begin = System.nanoTime();
      for (int i = 2; System.nanoTime() - begin < AN_ATTEMPT.toNanos(); i++) {
        installation.produce(ids.get(0), json(installation.settings()), Map.of());
        int events = i;
        await("events while the dead letters wait")
            .atMost(AN_ATTEMPT)
            .until(() -> installation.events(ids.get(0)).size() == events);
      }
    } finally {
      installation.broker().createTopic(Installation.DEAD_LETTERS, 1);
    }
    unreadable.forEach(installation::awaitDeadLetter);
    assertDeliveredInOrder(ids);
  }

  @Test
  void anEventThatTheBrokerRefusesHoldsUpItsDataSourceAlone() throws Exception {
    // Kafka's client tries for ever to split a small batch that is too large, so it has to be
    // alone.
    List<String> ids = firstOnAPartitionOfItsOwn();
    Map<String, Object> wrong = installation.settings();
    for (int i = 0; i < 32; i++) {
      wrong.put("unknown-" + "x".repeat(40) + i, "x");
    }
    // Somebody else is the publisher until there is a batch, whose second round has them all.
    holdPublisher();
    limitEvents("4000");
    try {
      update(installation.process().api(), ids, 1);
      installation.produce(ids.get(0), json(wrong), Map.of());
      await("its event")
          .atMost(LIMIT)
          .until(
              () -> {
                holdPublisher();
                return "4"
                    .equals(
                        installation.value(
                            "select count(*) from outbox where published_at is null"));
              });
      update(installation.process().api(), ids, 1);
      installation.store().executeIn(installation.database(), "delete from leases");
      installation.awaitEvents(ids.get(1), 3);
      installation.awaitEvents(ids.get(2), 3);
      assertThat(installation.events(ids.get(0))).hasSize(2);
    } finally {
      limitEvents("1048588");
    }
    assertDeliveredInOrder(ids);
    assertThat(installation.events(ids.get(0))).hasSize(4);
    assertThat(installation.events(ids.get(1))).hasSize(3);
    assertThat(installation.events(ids.get(2))).hasSize(3);
  }

  /** Three data sources; the partition of the first has no events of the others. */
  private static List<String> firstOnAPartitionOfItsOwn() {
    List<String> ids = create(1);
    int partition = partition(ids.get(0));
    while (ids.size() < 3) {
      String id = create(1).get(0);
      if (partition(id) != partition) {
        ids.add(id);
      }
    }
    awaitAllPublished();
    return ids;
  }

  private static int partition(String id) {
    return installation.awaitEvents(id, 1).get(0).partition();
  }

  @Test
  void aPartitionWithoutALeaderHoldsUpItsOwnEventsAloneAndNoneComesTwice() throws Exception {
    List<String> ids = firstOnAPartitionOfItsOwn();
    String beside = createOn(partition(ids.get(0)));
    Set<TopicPartition> others =
        Stream.of(ids.get(1), ids.get(2))
            .map(id -> new TopicPartition(Installation.EVENTS, partition(id)))
            .collect(toSet());
    TopicPartition partition = new TopicPartition(Installation.EVENTS, partition(ids.get(0)));
    try (KafkaServer second = KafkaServer.setup().beside(installation.broker()).start()) {
      try {
        lead(partition, 2);
        second.kill();
        awaitLeader(partition, null);
        long before = end(others);
        holdPublisher();
        update(installation.process().api(), List.of(ids.get(1), ids.get(0), ids.get(2)), 1);
        installation.store().executeIn(installation.database(), "delete from leases");
        // A stop in the middle of an attempt forgets nothing of what the broker has.
        await("the broker to have what it can")
            .atMost(LIMIT)
            .until(() -> end(others) == before + 2);
        installation.process().stop();
        assertThat(installation.value("select count(*) from outbox where published_at is null"))
            .isEqualTo("1");
        installation.process().start();
        // Those that cannot be sent come first, one after the other.
        update(installation.process().api(), List.of(beside, ids.get(1), ids.get(2)), 1);
        awaitPublishedBut(ids.get(0), beside);
        update(installation.process().api(), ids, 1);
        awaitPublishedBut(ids.get(0), beside);
        assertThat(installation.value("select count(*) from outbox where published_at is null"))
            .isEqualTo("3");
      } finally {
        second.start();
        awaitLeader(partition, 2);
        awaitAllPublished();
        lead(partition, 1);
      }
    }
    assertDeliveredInOrder(ids);
    assertThat(installation.events(ids.get(0))).hasSize(3);
    assertThat(installation.events(ids.get(1))).hasSize(4);
    assertThat(installation.events(ids.get(2))).hasSize(4);
    assertThat(installation.events(beside)).hasSize(2);
  }

  /** How many records these hold; a consumer would wait for those that have no leader. */
  private static long end(Set<TopicPartition> partitions) throws Exception {
    try (Admin admin = installation.broker().admin()) {
      return admin
          .listOffsets(partitions.stream().collect(toMap(p -> p, p -> OffsetSpec.latest())))
          .all()
          .get()
          .values()
          .stream()
          .mapToLong(ListOffsetsResultInfo::offset)
          .sum();
    }
  }

  private static String createOn(int partition) {
    String id;
    do {
      id = create(1).get(0);
    } while (partition(id) != partition);
    awaitAllPublished();
    return id;
  }

  private static void awaitPublishedBut(String... ids) {
    await("the events of the others")
        .atMost(LIMIT)
        .until(
            () ->
                "0"
                    .equals(
                        installation.value(
                            "select count(*) from outbox where published_at is null and"
                                + " convert_from(record_key, 'UTF8') not in ('"
                                + String.join("', '", ids)
                                + "')")));
  }

  /** Moves a partition to one broker. */
  private static void lead(TopicPartition partition, int node) throws Exception {
    try (Admin admin = installation.broker().admin()) {
      admin
          .alterPartitionReassignments(
              Map.of(partition, Optional.of(new NewPartitionReassignment(List.of(node)))))
          .all()
          .get();
    }
    awaitLeader(partition, node);
  }

  /**
   * @param node null: none
   */
  private static void awaitLeader(TopicPartition partition, Integer node) {
    try (Admin admin = installation.broker().admin()) {
      await("the partition's leader to be " + node)
          .atMost(LIMIT)
          .until(
              () -> {
                Node leader =
                    admin
                        .describeTopics(List.of(partition.topic()))
                        .allTopicNames()
                        .get()
                        .get(partition.topic())
                        .partitions()
                        .get(partition.partition())
                        .leader();
                return Objects.equals(
                    node, leader == null || leader.isEmpty() ? null : leader.id());
              });
    }
  }

  /**
   * Somebody else is the publisher for a while: no longer than a lease can be, or it is not one.
   */
  private static void holdPublisher() {
    installation
        .store()
        .executeIn(
            installation.database(),
            "update leases set owner = 'test', lease_until = now() + interval '3 seconds'");
  }

  private static void limitEvents(String bytes) throws Exception {
    try (Admin admin = installation.broker().admin()) {
      admin
          .incrementalAlterConfigs(
              Map.of(
                  new ConfigResource(ConfigResource.Type.TOPIC, Installation.EVENTS),
                  List.of(
                      new AlterConfigOp(
                          new ConfigEntry("max.message.bytes", bytes), AlterConfigOp.OpType.SET))))
          .all()
          .get();
    }
  }

  @Test
  void whenThePublisherFreezesAnotherTakesOverAndTheOrderHolds() throws Exception {
    try (SluiceProcess second = installation.instance().start()) {
      SluiceProcess first = installation.process();
      List<String> ids = create(3);
      // Whichever of them publishes, it is frozen once, far past its lease.
      for (List<SluiceProcess> pair : List.of(List.of(first, second), List.of(second, first))) {
        update(pair.get(0).api(), ids, 2);
        pair.get(0).pause();
        try {
          update(pair.get(1).api(), ids, 3);
          awaitAllPublished();
        } finally {
          pair.get(0).resume();
        }
        update(pair.get(0).api(), ids, 2);
      }
      assertDeliveredInOrder(ids);
    }
  }

  @Test
  void aFrozenPublisherRepeatsNothingThatItHadNotBegun() throws Exception {
    SluiceProcess first = installation.process();
    Path route = first.routes().resolve("60-publish-events.camel.yaml");
    String before = Files.readString(route);
    first.stop();
    // Time to freeze it between two rounds.
    Alteration.after(route, "method: sent", Alteration.delay(500));
    first.start();
    try (SluiceProcess second = installation.instance()) {
      List<String> ids = create(1);
      awaitAllPublished();
      // Somebody else is the publisher until there is a batch.
      holdPublisher();
      update(first.api(), ids, 8);
      installation.store().executeIn(installation.database(), "delete from leases");
      installation.awaitEvents(ids.get(0), 2);
      first.pause();
      try {
        second.start();
        awaitAllPublished();
      } finally {
        first.resume();
      }
      update(first.api(), ids, 1);
      assertDeliveredInOrder(ids);
      assertThat(installation.events(ids.get(0))).hasSizeLessThan(10 + 8 / 2);
    } finally {
      first.stop();
      Files.writeString(route, before);
      first.start();
    }
  }
}
