package io.sluice.rig;

import static io.sluice.servers.Installation.tree;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.rig.Evidence.Told;
import io.sluice.rig.History.Kind;
import io.sluice.rig.History.Outcome;
import io.sluice.rig.History.Write;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * A client of {@code GET /events}, which comes back to any instance where it left off whenever its
 * stream ends.
 */
final class Listener implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(100);
  private static final String ID = "id: ";
  private static final String EVENT = "event: ";
  private static final String DATA = "data: ";

  private final Stand stand;
  private final Random random = new Random();
  private final List<Told> told = new CopyOnWriteArrayList<>();
  private final Thread thread = new Thread(this::listen, "listener");
  private volatile boolean ended;
  private volatile String position;

  Listener(Stand stand) {
    this.stand = stand;
    thread.setDaemon(true);
  }

  /** Whatever happens once this has returned is told. */
  void start() {
    thread.start();
    while (position == null) {
      LockSupport.parkNanos(PAUSE.toNanos());
    }
  }

  /** What was told, in this order. */
  List<Told> told() {
    return List.copyOf(told);
  }

  private void listen() {
    while (!ended) {
      int instance = random.nextInt(stand.instances().size());
      try {
        HttpResponse<Stream<String>> answer =
            stand.follow(stand.instances().get(instance), position);
        try (Stream<String> lines = answer.body()) {
          if (answer.statusCode() == 200) {
            read(lines.iterator());
          } else if (Load.outcome(answer) == Outcome.FAULT) {
            stand
                .history()
                .wrote(new Write(Kind.FOLLOW, null, null, null, null, Outcome.FAULT, null, null));
          }
        }
      } catch (IOException | RuntimeException e) {
        // The instance is dead, starts or stops.
      }
      LockSupport.parkNanos(PAUSE.toNanos());
    }
  }

  private void read(Iterator<String> lines) {
    String id = position;
    String name = null;
    String data = null;
    while (lines.hasNext()) {
      String line = lines.next();
      if (line.startsWith(ID)) {
        id = line.substring(ID.length());
      } else if (line.startsWith(EVENT)) {
        name = line.substring(EVENT.length());
      } else if (line.startsWith(DATA)) {
        data = line.substring(DATA.length());
      } else if (line.isEmpty()) {
        // What is cut off before its end was not told (HTML Living Standard, section 9.2.6).
        if (data != null) {
          JsonNode event = tree(Stand.utf8(data));
          told.add(new Told(event.path("id").asText(name), event.path("subject").asText()));
        }
        position = id;
        data = null;
      }
    }
  }

  @Override
  public void close() {
    ended = true;
    thread.interrupt();
  }
}
