// Pages that are kept under a name.

export interface SavedView {
  id: string;
  name: string;
  /** A path of the portal with its query. */
  address: string;
  created_at: string;
}
