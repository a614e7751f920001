/** Names that the record knows its parts by: short, safe in a file name, and each given once. */
export function partNames(): (wanted: string) => string {
  const given = new Set<string>();
  return (wanted) => {
    const plain = wanted
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]+/g, '-')
      .replace(/^[^a-z]+/, '')
      .replace(/-+$/, '');
    const name = (plain || 'part').slice(0, 28);
    for (let n = 1; ; n++) {
      const tried = n === 1 ? name : `${name}-${n}`;
      if (given.has(tried)) continue;
      given.add(tried);
      return tried;
    }
  };
}
