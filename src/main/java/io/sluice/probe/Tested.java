package io.sluice.probe;

import io.sluice.model.Report;
import java.util.List;

/**
 * What a test found.
 *
 * @param observedHostKey the bastion's host key as in a known_hosts file, {@code type base64}, to
 *     be pinned at the first success; null when no bastion showed one
 * @param observedJumpKeys the same of the bastions before it, in their order, as far as the test
 *     came
 */
public record Tested(Report report, String observedHostKey, List<String> observedJumpKeys) {

  public Tested {
    observedJumpKeys = List.copyOf(observedJumpKeys);
  }
}
