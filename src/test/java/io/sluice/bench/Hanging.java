package io.sluice.bench;

import static org.awaitility.Awaitility.await;

import io.sluice.servers.Installation;
import io.sluice.servers.MuteServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Updates that are in flight to targets that hang: each is sent anew when it has ended. */
final class Hanging implements AutoCloseable {
  private final Installation installation;
  private final Follower follower;
  private final MuteServer mute = MuteServer.ofManyHosts();
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Map<Integer, Integer> answers = new ConcurrentSkipListMap<>();
  private final AtomicInteger asked = new AtomicInteger();
  private volatile boolean over;

  Hanging(Installation installation, Follower follower) {
    this.installation = installation;
    this.follower = follower;
  }

  /** Sends an update of each of these data sources by HTTP. */
  void byHttp(List<String> ids) {
    for (int i = 0; i < ids.size(); i++) {
      ask(
          HttpRequest.newBuilder(
                  URI.create(installation.process().api() + "/datasources/" + ids.get(i)))
              .timeout(Duration.ofMinutes(1))
              .header("Authorization", "Bearer " + installation.process().token())
              .header("Content-Type", "application/json")
              .PUT(HttpRequest.BodyPublishers.ofByteArray(Installation.json(settings(i))))
              .build());
    }
  }

  private void ask(HttpRequest request) {
    asked.incrementAndGet();
    CompletableFuture<Void> unused =
        http.sendAsync(request, HttpResponse.BodyHandlers.discarding())
            .thenAccept(
                answer -> {
                  answers.merge(answer.statusCode(), 1, Integer::sum);
                  asked.decrementAndGet();
                  if (!over) {
                    // Who is told to come again does so a second later, as the answer says.
                    CompletableFuture.delayedExecutor(
                            answer.statusCode() == 503 ? 1 : 0, TimeUnit.SECONDS)
                        .execute(() -> ask(request));
                  }
                });
  }

  /** Sends a record for each of these data sources. */
  void byKafka(List<String> ids, Updates updates) {
    for (int i = 0; i < ids.size(); i++) {
      follower.forget(ids.get(i));
      updates.send(ids.get(i), Installation.text(Installation.json(settings(i))));
    }
    Thread thread =
        new Thread(
            () -> {
              while (!over) {
                for (int i = 0; i < ids.size(); i++) {
                  if (follower.next(ids.get(i))) {
                    answers.merge(0, 1, Integer::sum);
                    updates.send(ids.get(i), Installation.text(Installation.json(settings(i))));
                  }
                }
                LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
              }
            },
            "hanging");
    thread.setDaemon(true);
    thread.start();
  }

  private Map<String, Object> settings(int number) {
    Map<String, Object> settings = new LinkedHashMap<>(installation.settings());
    settings.put("host", mute.host(number));
    settings.put("port", mute.port());
    return settings;
  }

  /** How many updates have ended, by status; 0 for records. */
  Map<Integer, Integer> answers() {
    return answers;
  }

  /** How many connections have been made to the targets. */
  int connections() {
    return mute.connections();
  }

  @Override
  public void close() {
    over = true;
    mute.close();
    await().atMost(Duration.ofMinutes(1)).until(() -> asked.get() <= 0);
  }
}
