package io.sluice.contract;

import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The page about drivers, {@code src/site/markdown/drivers.md}. */
public final class DriversPage {
  private static final Path PAGE = Path.of("src/site/markdown/drivers.md");
  private static final Pattern EXAMPLE =
      Pattern.compile("```yaml\\n(id: (\\S+)\\n.*?)```", Pattern.DOTALL);

  private static final String TABLE_BEGINS = "<!-- The table begins. -->\n";
  private static final String TABLE_ENDS = "<!-- The table ends. -->\n";

  private DriversPage() {}

  static String text() {
    try {
      return Files.readString(PAGE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Does what the page says: writes its example as a file of a catalogue, and nothing else. */
  public static void writeExample(Path catalogue) {
    Matcher example = EXAMPLE.matcher(text());
    if (!example.find()) {
      throw new AssertionError("The page shows no example.");
    }
    try {
      Files.writeString(catalogue.resolve(example.group(2) + ".yaml"), example.group(1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The table as the page should have it, with its marks. */
  static String table(DriverCatalogue catalogue) {
    StringBuilder table = new StringBuilder(TABLE_BEGINS).append('\n');
    table.append("| driver | database | port | `ssl` | options | jar | verified |\n");
    table.append("|---|---|---|---|---|---|---|\n");
    for (Driver driver : catalogue.all()) {
      boolean used = driver.family() != Driver.Family.NONE;
      row(
          table,
          Stream.concat(Stream.of(driver.id()), driver.aliases().stream())
              .map(name -> "`" + name + "`")
              .collect(Collectors.joining(", ")),
          driver.title() + (driver.note() == null ? "" : ". " + driver.note()),
          Integer.toString(driver.defaultPort()),
          !used ? "" : driver.tls() == Driver.Tls.NONE ? "no" : "yes",
          driver.options().keySet().stream()
              .sorted()
              .map(name -> "`" + name + "`")
              .collect(Collectors.joining(", ")),
          !used || driver.jar() == null
              ? ""
              : driver.jar().bundled() ? "bundled" : "`" + driver.jar().copyArgument() + "`",
          used ? driver.verified().name().toLowerCase(Locale.ROOT) : "not connected to");
    }
    return table.append('\n').append(TABLE_ENDS).toString();
  }

  private static void row(StringBuilder table, String... cells) {
    table.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  static void writeTable(String table) throws IOException {
    String text = text();
    int begins = text.indexOf(TABLE_BEGINS);
    int ends = text.indexOf(TABLE_ENDS) + TABLE_ENDS.length();
    Files.writeString(PAGE, text.substring(0, begins) + table + text.substring(ends));
  }
}
