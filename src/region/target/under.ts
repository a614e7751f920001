/** Is this key the path itself, or below it? By whole segments: `m/db2` is not under `m/db`. Everything is under ''. */
export const isUnder = (key: string, path: string): boolean =>
  path === '' || key === path || key.startsWith(`${path}/`);
