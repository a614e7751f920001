import { z } from 'zod';

const sha256 = z.string().regex(/^sha256:[0-9a-f]{64}$/);

/** What one host tells another of an image. The layers are in order, each by the hash of its uncompressed archive. */
export const MovedImage = z.object({
  id: sha256,
  tags: z.array(z.string()),
  layers: z.array(sha256),
  /** Of all layers together, as the engine counts them. */
  bytes: z.number().int().nonnegative(),
});
export type MovedImage = z.infer<typeof MovedImage>;

/** What is asked of the source: blobs by hash (hexadecimal), each with the bytes that have arrived already. */
export const WantedBlobs = z.record(z.string().regex(/^[0-9a-f]{64}$/), z.number().int().nonnegative());
export type WantedBlobs = z.infer<typeof WantedBlobs>;
