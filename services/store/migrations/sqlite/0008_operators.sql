-- What operators need: organizations that are held, pictures that were removed, and which storage the
-- files of this database are in.

-- Since when the organization's keys are refused; NULL: they are not.
ALTER TABLE organization ADD COLUMN frozen_at INTEGER;

-- Since when the picture is gone; NULL: it is there. The row stays for the briefs that name it.
ALTER TABLE asset ADD COLUMN deleted_at INTEGER;

-- One row: the mark by which processes know that they share the storage of pictures and videos.
CREATE TABLE installation (
    only_row INTEGER NOT NULL PRIMARY KEY CHECK (only_row = 1),
    id       BLOB    NOT NULL CHECK (length(id) = 16)
) STRICT;
