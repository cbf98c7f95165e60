package io.sluice.start;

import java.util.List;
import java.util.Properties;
import java.util.stream.IntStream;
import org.postgresql.Driver;
import org.postgresql.PGProperty;

/** The hosts and ports of a PostgreSQL JDBC URL, as the driver itself reads them. */
final class StoreAddress {
  private StoreAddress() {}

  static List<String> of(String url) {
    Properties parsed = Driver.parseURL(url, new Properties());
    if (parsed == null) {
      throw new IllegalArgumentException("sluice.store.url is not a PostgreSQL JDBC URL.");
    }
    String[] hosts = PGProperty.PG_HOST.getOrDefault(parsed).split(",", -1);
    String[] ports = PGProperty.PG_PORT.getOrDefault(parsed).split(",", -1);
    return IntStream.range(0, hosts.length)
        .mapToObj(i -> hosts[i] + ":" + ports[Math.min(i, ports.length - 1)])
        .toList();
  }
}
