/**
 * The fault rig: several instances of the product as processes, on a real store, broker and
 * targets, behind toxic proxies; a seeded schedule of faults under load; and rules that judge what
 * clients saw against what the store holds and the topics say.
 *
 * <ul>
 *   <li>{@link io.sluice.rig.Plant}: the servers and the proxies before them, shared by all runs.
 *   <li>{@link io.sluice.rig.Stand}: one run's database, topics and instances.
 *   <li>{@link io.sluice.rig.Load}: the clients. {@link io.sluice.rig.History}: what they saw.
 *   <li>{@link io.sluice.rig.Faults}: what goes wrong, and when.
 *   <li>{@link io.sluice.rig.Evidence}: all that is known at the end. {@link io.sluice.rig.Rule}:
 *       what must be true of it, by the numbers of {@code src/site/markdown/promises.md}.
 *   <li>{@link io.sluice.rig.RigTest}: a run. {@link io.sluice.rig.SabotageTest}: the same with a
 *       product that was broken on purpose. {@link io.sluice.rig.RuleTest}: each rule, fed with
 *       forged evidence.
 * </ul>
 */
package io.sluice.rig;
