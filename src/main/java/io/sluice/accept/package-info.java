/**
 * The door: what a client sends becomes typed values, who sends it is established, and what it gets
 * back is written here. Nothing else of a request passes.
 */
package io.sluice.accept;
