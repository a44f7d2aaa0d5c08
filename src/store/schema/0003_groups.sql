-- Groups that the files declared, by the app's id, each under the name that they were last declared by. A group that was
-- renamed, in the app or in the files, is known by this.
CREATE TABLE declared_groups (
    app TEXT NOT NULL,
    origin TEXT NOT NULL,
    group_id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (app, origin, group_id)
);
