package com.kevra.scim.listener;

import java.util.concurrent.atomic.LongAdder;

/** What happened to messages since the server started. */
final class Counters {
    /** Written to a connection, repetitions included. */
    final LongAdder sent = new LongAdder();
    /** The broker took charge. */
    final LongAdder confirmed = new LongAdder();
    /** Confirmed, but no queue is bound for them. */
    final LongAdder returned = new LongAdder();
    /** Never sent: the queue was full, or the server ended first. */
    final LongAdder dropped = new LongAdder();
    /** Connections after the first. */
    final LongAdder reconnects = new LongAdder();

    @Override
    public String toString() {
        return "sent=" + sent + " confirmed=" + confirmed + " returned=" + returned + " dropped=" + dropped
                + " reconnects=" + reconnects;
    }
}
