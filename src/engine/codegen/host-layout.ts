/** Bytes of one argument of a host call in the worker state: null flag (i32) at +0, value at +8. */
export const HOST_SLOT_BYTES = 24;
