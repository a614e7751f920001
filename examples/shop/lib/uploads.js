import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { query } from './database.js';
import { HttpError, json, readBody } from './http.js';
import { uploadsFolder } from './settings.js';

const maxBytes = 5 * 1024 * 1024;

/** The file is durable before the row says that it exists, and the row is committed before the answer. */
export async function storeUpload(request, id) {
  const type = request.headers['content-type'] ?? '';
  if (!/^image\/[\w.+-]+$/.test(type)) throw new HttpError(415, 'only pictures');
  const bytes = await readBody(request, maxBytes);
  const taken = await query('SELECT 1 FROM uploads WHERE id = $1', [id]);
  if (taken.length > 0) throw new HttpError(409, 'this id exists already');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await writeDurably(join(uploadsFolder, id), bytes);
  await query('INSERT INTO uploads (id, content_type, bytes, sha256) VALUES ($1, $2, $3, $4)', [
    id,
    type,
    bytes.length,
    sha256,
  ]);
  return json(201, { id, sha256 });
}

export async function showUpload(_request, id) {
  const [row] = await query('SELECT content_type, sha256 FROM uploads WHERE id = $1', [id]);
  if (!row) throw new HttpError(404, 'there is no such picture');
  const headers = {
    etag: `"${row.sha256}"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'",
  };
  return { status: 200, type: row.content_type, body: await readFile(join(uploadsFolder, id)), headers };
}

export async function latestUploads() {
  return (await query('SELECT id FROM uploads ORDER BY at DESC LIMIT 12')).map((row) => row.id);
}

async function writeDurably(path, bytes) {
  await mkdir(uploadsFolder, { recursive: true });
  const part = `${path}.${randomUUID()}.part`;
  try {
    const file = await open(part, 'wx');
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
  const folder = await open(uploadsFolder); // the name, too, has to survive a crash
  await folder.sync().finally(() => folder.close());
}
