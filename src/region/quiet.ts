/** An answer that says nothing but that it is done. */
export const quiet =
  <Input>(work: (input: Input) => unknown) =>
  async (input: Input): Promise<Record<string, never>> => {
    await work(input);
    return {};
  };
