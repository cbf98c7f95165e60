package io.sluice.contract;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The page about drivers, {@code src/site/markdown/drivers.md}. */
public final class DriversPage {
  private static final Path PAGE = Path.of("src/site/markdown/drivers.md");
  private static final Pattern EXAMPLE =
      Pattern.compile("```yaml\\n(id: (\\S+)\\n.*?)```", Pattern.DOTALL);

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
}
