import { createHash, randomBytes } from 'node:crypto';

/** 160 bits, so that a plain hash is enough at rest. */
export const newSecret = (): string => randomBytes(20).toString('base64url');

/** How a secret is kept: the server never stores the secret itself. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');
