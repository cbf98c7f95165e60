package io.sluice.accept;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where an event stands among those of its workspace: the id of a server-sent event, opaque to
 * clients.
 *
 * @param transaction the store's id of the transaction that wrote it, in decimal
 * @param number of the event
 */
record EventPosition(String transaction, long number) {
  private static final Pattern TEXT = Pattern.compile("([0-9]{1,19})-([0-9]{1,18})");

  /** Empty for what this service has not given out. */
  static Optional<EventPosition> read(String text) {
    Matcher matcher = TEXT.matcher(text);
    return matcher.matches()
        ? Optional.of(new EventPosition(matcher.group(1), Long.parseLong(matcher.group(2))))
        : Optional.empty();
  }

  @Override
  public String toString() {
    return transaction + "-" + number;
  }
}
