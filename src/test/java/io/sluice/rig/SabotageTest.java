package io.sluice.rig;

import static io.sluice.servers.Installation.json;
import static io.sluice.servers.Installation.tree;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.rig.Evidence.Vitals;
import io.sluice.rig.History.Kind;
import io.sluice.rig.History.Outcome;
import io.sluice.rig.History.Write;
import io.sluice.servers.Alteration;
import io.sluice.servers.SluiceProcess;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** A product that breaks a promise is caught: each time it is broken where it hurts. */
final class SabotageTest {
  private static final Duration LIMIT = Duration.ofMinutes(2);
  private static final Duration LONGEST_TEST = Duration.ofSeconds(6);
  private static final String ID = "a";

  private static final String TESTED = "What may become a zombie has tested.";

  /** Of the queue's updates alone: the data source is created without delay. */
  private static final String FREEZE_HERE =
      """
      - filter:
          simple: "${exchangeProperty.ticket} != null"
          steps:
            - log:
                message: "TESTED"
            - delay:
                expression:
                  constant: "10000"
      """
          .replace("TESTED", TESTED);

  private static final String COMMIT =
      """
      method: decide
                          - to:
                              uri: direct:store
      """
          .stripTrailing();

  /** A request for an update gets its answer; what it says is in the store a while later. */
  private static final String LATE_COMMIT =
      """
      method: decide
                          - choice:
                              when:
                                - simple: "${body.name} == 'apply-update' && ${exchangeProperty.ticket} == null"
                                  steps:
                                    - wireTap:
                                        uri: direct:late
                                    - setBody:
                                        constant: "[1]"
                                    - unmarshal:
                                        json:
                                          unmarshalType: java.util.List
                              otherwise:
                                steps:
                                  - to:
                                      uri: direct:store
      """
          .stripTrailing();

  private static final String LATE =
      """

      - route:
          id: late
          from:
            uri: direct:late
            steps:
              - delay:
                  expression:
                    constant: "20000"
              - to:
                  uri: direct:store
      """;

  private static final String STATEMENT = "${exchangeProperty.sabotage.parameters";

  /** What is decided goes to the topic at once, and to the store a while later. */
  private static final String EARLY_EVENT =
      """
      - filter:
          simple: "${body.name} == 'apply-update'"
          steps:
            - setProperty:
                name: sabotage
                simple: "${body}"
            - setHeader:
                name: ce_id
                simple: "STATEMENT[updateId]}"
            - setHeader:
                name: ce_type
                constant: "early.updated"
            - setBody:
                simple: "STATEMENT[body]}"
            - to:
                uri: kafka:{{sluice.kafka.events-topic}}
                parameters:
                  brokers: "{{sluice.kafka.brokers}}"
                  key: "a"
                  valueSerializer: org.apache.kafka.common.serialization.ByteArraySerializer
            - removeHeaders:
                pattern: "*"
            - delay:
                expression:
                  constant: "5000"
            - setBody:
                simple: "${exchangeProperty.sabotage}"
      """
          .replace("STATEMENT", STATEMENT);

  @Test
  void anAnswerThatIsGivenBeforeTheStoreHasTheVersionIsCaught() throws Exception {
    try (Stand stand =
        stand(
            1,
            instance -> {
              Path route = route(instance, "30-apply-update");
              Alteration.replace(route, COMMIT, LATE_COMMIT);
              Alteration.append(route, LATE);
            })) {
      SluiceProcess instance = stand.instances().get(0);
      instance.start();
      stand.create(ID, account());
      HttpResponse<String> answer =
          stand.call(instance, "PUT", "/datasources/" + ID, account().settings(), Map.of());
      instance.kill();
      assertThat(answer.statusCode()).isEqualTo(200);
      long told = tree(Stand.utf8(answer.body())).path("version").asLong();
      stand
          .history()
          .wrote(new Write(Kind.PUT, ID, account().name(), null, null, Outcome.OK, told, null));
      assertThat(breaches(stand)).anySatisfy(breach -> assertThat(breach).startsWith("DURABLE: "));
    }
  }

  @Test
  void anOffsetThatIsCommittedBeforeTheStoreHasTheRecordIsCaught() throws Exception {
    String early = "- bean:\n    ref: kafkaIntake\n    method: commit\n" + Alteration.delay(3000);
    try (Stand stand =
        stand(
            1,
            instance ->
                Alteration.after(route(instance, "12-accept-kafka"), "method: receive", early))) {
      SluiceProcess instance = stand.instances().get(0);
      instance.start();
      stand.create(ID, account());
      record(stand, "lost");
      await("the offset to be committed")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> stand.committed() == 1);
      instance.kill();
      instance.start();
      record(stand, "next");
      await("the next record to be applied")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(100))
          .until(
              () ->
                  stand
                      .value("select count(*) from updates where identity = 'a/next'")
                      .equals("1"));
      assertThat(breaches(stand)).contains("RECORDS_ONCE: Record a/lost is 0 updates.");
    }
  }

  @Test
  void anEventThatIsPublishedBeforeTheStoreHasTheVersionIsCaught() throws Exception {
    try (Stand stand =
        stand(
            1,
            instance -> {
              Alteration.after(route(instance, "30-apply-update"), "method: decide", EARLY_EVENT);
              Alteration.replace(
                  sql(instance, "apply-update"),
                  "cast(:?headers as jsonb), :?body\n  from saved",
                  "cast(:?headers as jsonb), :?body\n  from saved where false");
            })) {
      SluiceProcess instance = stand.instances().get(0);
      instance.start();
      stand.create(ID, account());
      CompletableFuture<Void> client =
          CompletableFuture.runAsync(
              () -> {
                try {
                  stand.call(instance, "PUT", "/datasources/" + ID, account().settings(), Map.of());
                } catch (IOException e) {
                  // It is killed.
                }
              });
      await("the event of the second version")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(50))
          .until(
              () ->
                  stand.evidence(0, none()).delivered().stream()
                      .anyMatch(event -> event.version() != null && event.version() == 2));
      instance.kill();
      client.join();
      assertThat(breaches(stand))
          .anySatisfy(
              breach ->
                  assertThat(breach).startsWith("ONE_EVENT: ").contains("belongs to no update"));
    }
  }

  @Test
  void aZombieWhoseCommitNothingStopsIsCaught() {
    try (Stand stand = stand(2, SabotageTest::unfenced)) {
      SluiceProcess zombie = stand.instances().get(0);
      SluiceProcess successor = stand.instances().get(1);
      // Between test and commit it says so, and there is time to freeze it.
      Alteration.after(route(zombie, "30-apply-update"), "method: tested", FREEZE_HERE);
      zombie.start();
      stand.create(ID, account());
      record(stand, "once");
      await("the first instance to have tested")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(20))
          .until(() -> zombie.output().contains(TESTED));
      zombie.pause();
      try {
        successor.start();
        await("the second instance to apply the update")
            .atMost(LIMIT)
            .pollInterval(Duration.ofMillis(100))
            .until(() -> version(stand) == 2);
      } finally {
        zombie.resume();
      }
      await("the first instance to apply it, too")
          .atMost(LIMIT)
          .pollInterval(Duration.ofMillis(100))
          .until(() -> version(stand) == 3);
      assertThat(breaches(stand))
          .anySatisfy(breach -> assertThat(breach).startsWith("ONE_EFFECT: ").contains(" made "));
    }
  }

  /** The fence itself, and the two keys that would still refuse a second commit. */
  private static void unfenced(SluiceProcess instance) {
    Alteration.replace(
        sql(instance, "apply-update"),
        "state in ('pending', 'running', 'held') and fence = cast(:?fence as bigint)",
        "cast(:?fence as bigint) is not null");
    Path tables = sql(instance, "migrations/V1__gate");
    Alteration.replace(
        tables, "update_id    uuid        not null unique", "update_id    uuid        not null");
    Alteration.replace(
        tables, "event_id     uuid        not null unique", "event_id     uuid        not null");
  }

  private static Stand stand(int instances, Consumer<SluiceProcess> alteration) {
    return new Stand(Plant.shared(), instances, LONGEST_TEST, alteration);
  }

  private static Path route(SluiceProcess instance, String name) {
    return instance.routes().resolve(name + ".camel.yaml");
  }

  private static Path sql(SluiceProcess instance, String name) {
    return instance.config().resolve("sql").resolve(name + ".sql");
  }

  private static Account account() {
    return Plant.shared().mariadbAccounts().get(0);
  }

  private static void record(Stand stand, String key) {
    stand
        .plant()
        .broker()
        .send(stand.updates(), ID, json(account().settings()), Map.of("idempotency-key", key));
    stand
        .history()
        .wrote(
            new Write(
                Kind.RECORD, ID, account().name(), ID + "/" + key, null, Outcome.OK, null, null));
  }

  private static long version(Stand stand) {
    return Long.parseLong(stand.value("select version from data_sources"));
  }

  private static List<String> breaches(Stand stand) {
    List<String> breaches = Rule.all(stand.evidence(0, none()));
    breaches.forEach(System.out::println);
    return breaches;
  }

  private static Vitals none() {
    return new Vitals(0, 0, 0, 0);
  }
}
