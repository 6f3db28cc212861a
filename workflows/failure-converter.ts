import { DefaultFailureConverter } from '@temporalio/common';

/** Where payloads are encrypted, so are the messages and stacks of failures. */
export const failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
