/**
 * Both HTTP APIs as their clients see them: a process of the product, real databases and bastions,
 * and nothing but sockets in between.
 */
package io.sluice.accept;
