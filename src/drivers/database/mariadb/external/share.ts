/** What is the app's on a server that Storky does not run: one database of it, and the accounts of one name. */
export interface Share {
  database: string;
  user: string;
  /** The app's own. Known where the server is spoken to from, and in no ticket. */
  password?: string;
}
