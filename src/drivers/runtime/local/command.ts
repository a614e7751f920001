/** Words that only a shell understands; a command that begins with one stays with the shell. */
const shellWords = new Set(
  '. : [ alias break case cd command continue eval exec exit export for function if read return set shift source test times trap type ulimit umask unset until wait while ! {'.split(
    ' ',
  ),
);

/**
 * The command as the shell gets it. One plain program replaces the shell, so that the pid we watch and signal is the
 * program's own; a pipeline, a list or an assignment keeps the shell as its parent.
 */
export function asScript(command: string): string {
  const first = command.trimStart().split(/\s/, 1)[0]!;
  const plain = !/[;&|<>()`\n]/.test(command) && !first.includes('=') && !shellWords.has(first);
  return plain ? `exec ${command.trimStart()}` : command;
}
