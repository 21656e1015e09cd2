package com.kevra.scim.listener;

import java.util.List;

/** The other side, as the publisher sees it. Every method ends in bounded time, whatever the broker does. */
interface Broker {
    Session connect() throws Exception;

    /** One connection; used by one thread. */
    interface Session {
        boolean isOpen();

        /**
         * Sends all messages and removes from the list those the broker took charge of. What is left was refused; after
         * an exception its fate is unknown. Either way it is to be sent again.
         */
        void deliver(List<RealmEvent> batch) throws Exception;

        void close();
    }
}
