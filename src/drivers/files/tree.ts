import type { SourceStore, TargetStore, WayBack } from '../store.ts';
import { TreeSource } from './tree-source.ts';
import { TreeTarget } from './tree-target.ts';
import { TreeWayBack } from './tree-way-back.ts';

export interface TreeOptions {
  /** Absolute; the tree is what is in it, and its own mode, owner and times. */
  root: string;
  /** Patterns of what stays where it is; see `ignoring`. */
  ignore: string[];
  /** Private, outside of the tree: ledger, state, barrier files, parts on their way. */
  stateFolder: string;
}

/**
 * A file tree as a store. Following lives in the object: `mark`, `ready` and `unfence` act on the stream that `serve` of the
 * same object holds open, and `applied` on the one that `follow` opened. So one object a tree and process, kept.
 */
export function treeSource(options: TreeOptions & { maxWatches?: number }): SourceStore {
  return new TreeSource(options);
}

export function treeTarget(options: TreeOptions & { maxSuspects?: number | undefined }): TargetStore {
  return new TreeTarget(options);
}

export function treeWayBack(options: TreeOptions): WayBack {
  return new TreeWayBack(options);
}
