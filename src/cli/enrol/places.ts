/** Where everything of a region's agent is on its host. */
export interface Places {
  region: string;
  /** Of Storky on this host, perhaps with several regions. */
  root: string;
  program: string;
  /** How this agent is started. */
  agent: string;
  data: string;
}

export const placesOf = (root: string, region: string, digest: string): Places => ({
  region,
  root,
  program: `${root}/programs/${digest}`,
  agent: `${root}/agents/${region}`,
  data: `${root}/regions/${region}`,
});

/** As one word of `sh`. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
