package io.sluice.probe;

import io.sluice.model.Report;

/**
 * What a test found.
 *
 * @param observedHostKey the bastion's host key as in a known_hosts file, {@code type base64}, to
 *     be pinned at the first success; null when no bastion showed one
 */
public record Tested(Report report, String observedHostKey) {}
