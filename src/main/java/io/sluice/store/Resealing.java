package io.sluice.store;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import io.sluice.secrets.Vault;
import io.sluice.secrets.VaultException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code routes/81-reseal}: while the key file holds older keys, what they have sealed
 * is sealed with the newest, so that it can be done without them.
 *
 * <p>Used by one route, which does one step after the other.
 */
public final class Resealing {
  private static final Logger LOG = LoggerFactory.getLogger(Resealing.class);
  private static final String WALK = "walk";

  /** Before every row. */
  private static final Map<String, Object> START =
      Map.of("workspace_id", "", "id", "", "version", 0);

  private static final List<Table> TABLES =
      List.of(
          new Table(Statement.named("sealed-data-sources"), Statement.named("reseal-data-sources")),
          new Table(Statement.named("sealed-versions"), Statement.named("reseal-versions")));

  /** As many as one statement holds the rows of without being in anybody's way. */
  private static final int ROWS_AT_ONCE = 200;

  private final Standstill standstill =
      new Standstill(
          LOG,
          "What older keys have sealed cannot be sealed anew now.",
          "What older keys have sealed is sealed anew again.");
  private final Vault vault;
  private final DataSources dataSources;
  private final ObjectMapper json;

  /**
   * What an instance sealed before it knew the newest key may be stored after a walk has passed:
   * while there are older keys, it is looked for again.
   */
  private static final Duration AGAIN = Duration.ofHours(1);

  /** The newest key at the end of a walk that met no other; absent: there was none. */
  private volatile OptionalInt done = OptionalInt.empty();

  /** When that walk ended; of the clock that never jumps. */
  private volatile long doneAt;

  public Resealing(Vault vault, DataSources dataSources, ObjectMapper json) {
    this.vault = vault;
    this.dataSources = dataSources;
    this.json = json;
  }

  /** Where secrets are. */
  private record Table(Statement read, Statement write) {}

  /** One way through all that is sealed. */
  private static final class Walk {
    private final int key;
    private final Deque<Table> left = new ArrayDeque<>(TABLES);
    private Map<String, Object> last = START;
    private int older;
    private int unopened;
    private String unopenedOne;

    private Walk(int key) {
      this.key = key;
    }
  }

  /** Whether there is more to look at. */
  public boolean more(Exchange exchange) {
    Walk walk = exchange.getProperty(WALK, Walk.class);
    if (walk == null) {
      vault.refresh();
      if (!vault.holdsOlderKeys() || lately(vault.newestKey())) {
        return false;
      }
      walk = new Walk(vault.newestKey());
      exchange.setProperty(WALK, walk);
    }
    if (walk.left.isEmpty()) {
      ended(walk);
    }
    return !walk.left.isEmpty() && exchange.getContext().getStatus().isStarted();
  }

  private boolean lately(int newestKey) {
    return done.equals(OptionalInt.of(newestKey)) && System.nanoTime() - doneAt < AGAIN.toNanos();
  }

  public Statement page(@ExchangeProperty(WALK) Walk walk) {
    return walk.left
        .element()
        .read()
        .with("workspace", walk.last.get("workspace_id"))
        .with("id", walk.last.get("id"))
        .with("version", walk.last.get("version"))
        .with("limit", ROWS_AT_ONCE);
  }

  /**
   * The statement that puts the same secrets, newly sealed, in the place of those of the page that
   * an older key has sealed; null where there are none.
   */
  public Statement reseal(@Body List<Map<String, Object>> rows, @ExchangeProperty(WALK) Walk walk) {
    ArrayNode fresh = json.createArrayNode();
    for (Map<String, Object> row : rows) {
      try {
        dataSources.resealed(row).ifPresent(after -> fresh.add(replacement(row, after)));
      } catch (VaultException e) {
        walk.unopened++;
        walk.unopenedOne = row.get("workspace_id") + "/" + row.get("id");
      }
    }
    Table table = walk.left.element();
    walk.older += fresh.size();
    if (rows.size() < ROWS_AT_ONCE) {
      walk.left.remove();
      walk.last = START;
    } else {
      walk.last = rows.get(rows.size() - 1);
    }
    return fresh.isEmpty() ? null : table.write().with("rows", fresh.toString());
  }

  private ObjectNode replacement(Map<String, Object> row, JsonNode after) {
    ObjectNode replacement =
        json.createObjectNode()
            .put("workspace_id", (String) row.get("workspace_id"))
            .put("id", (String) row.get("id"))
            .put("version", ((Number) row.get("version")).longValue());
    replacement.putRawValue("before", new RawValue((String) row.get("secrets")));
    replacement.set("after", after);
    return replacement;
  }

  /**
   * A row can have been skipped, and another instance may not know the new key yet, so that only a
   * walk that has found nothing is the last.
   */
  private void ended(Walk walk) {
    standstill.over();
    if (walk.older > 0) {
      LOG.atInfo().addKeyValue("rows", walk.older).log("Secrets were sealed with the newest key.");
      return;
    }
    done = OptionalInt.of(walk.key);
    doneAt = System.nanoTime();
    if (walk.unopened > 0) {
      LOG.atWarn()
          .addKeyValue("rows", walk.unopened)
          .addKeyValue("one", walk.unopenedOne)
          .log("Some secrets do not open with any key of the key file, and stay as they are.");
    }
    LOG.atInfo().log("No stored secret is sealed with an older key any more.");
  }

  /** What was not reached is looked at again by the next tick. */
  public void failed(
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught, Exchange exchange) {
    if (caught instanceof VaultException explained) {
      LOG.atWarn().log("The keys in use stay. {}", explained.getMessage());
    } else {
      standstill.failed(caught, exchange.getContext());
    }
  }
}
