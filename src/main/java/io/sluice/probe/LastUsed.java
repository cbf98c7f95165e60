package io.sluice.probe;

import java.util.LinkedHashMap;
import java.util.Map;

/** Remembers a bounded number of things: those that were used last. Not thread-safe. */
final class LastUsed<V> extends LinkedHashMap<String, V> {
  private static final long serialVersionUID = 1L;

  private final int most;

  LastUsed(int most) {
    super(16, 0.75f, true);
    this.most = most;
  }

  @Override
  protected boolean removeEldestEntry(Map.Entry<String, V> eldest) {
    return size() > most;
  }
}
