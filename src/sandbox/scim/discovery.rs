//! What the server says about itself, as far as it says it.

use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, Kind, Scim, USER, query, show::error};
use crate::sandbox::app::{Answer, Request};

/// Answers the three discovery endpoints.
pub(super) fn answer(app: &Scim, request: &Request, segments: &[&str]) -> Result<Answer, Answer> {
    if app.quirks.has("no-discovery") {
        return Err(error(404, None, "There is no such resource."));
    }
    if request.parameter("filter").is_some() {
        return Err(error(403, None, "These resources cannot be filtered."));
    }
    match segments {
        ["ServiceProviderConfig"] => Ok(Answer::json(200, config(app))),
        ["ResourceTypes"] => Ok(Answer::json(200, list([Kind::User, Kind::Group].map(resource_type).to_vec()))),
        ["ResourceTypes", name] => {
            let kind = [Kind::User, Kind::Group].into_iter().find(|kind| kind.name() == *name);
            kind.map(|kind| Answer::json(200, resource_type(kind))).ok_or_else(|| error(404, None, "Unknown type."))
        }
        ["Schemas"] => Ok(Answer::json(200, list(schemas()))),
        ["Schemas", id] => {
            let found = schemas().into_iter().find(|schema| schema["id"] == *id);
            found.map(|schema| Answer::json(200, schema)).ok_or_else(|| error(404, None, "Unknown schema."))
        }
        _ => Err(error(404, None, "There is no such resource.")),
    }
}

fn config(app: &Scim) -> Value {
    let on = |quirk: &str| app.quirks.has(quirk);
    let by_cursor = on("cursor-paging");
    let mut pagination = json!({
        "cursor": by_cursor,
        "index": !by_cursor,
        "defaultPaginationMethod": if by_cursor { "cursor" } else { "index" },
        "defaultPageSize": 100,
        "maxPageSize": query::LARGEST_PAGE,
    });
    if by_cursor {
        // What a client is told is real time.
        pagination["cursorTimeout"] = json!((app.cursor_life.as_secs_f64() / app.time_scale).floor().max(1.0) as u64);
    }
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": !on("put-only") },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": query::LARGEST_PAGE },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": !on("no-etag") },
        "pagination": pagination,
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "A bearer token, static or from the token endpoint",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig" },
    })
}

fn list(rows: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": rows.len(),
        "itemsPerPage": rows.len(),
        "startIndex": 1,
        "Resources": rows,
    })
}

fn resource_type(kind: Kind) -> Value {
    let extensions = match kind {
        Kind::User => json!([{ "schema": ENTERPRISE, "required": false }]),
        Kind::Group => json!([]),
    };
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": kind.name(),
        "name": kind.name(),
        "endpoint": format!("/{}", kind.endpoint()),
        "schema": kind.schema(),
        "schemaExtensions": extensions,
        "meta": { "resourceType": "ResourceType" },
    })
}

fn schemas() -> Vec<Value> {
    let attribute = |name: &str, kind: &str, multi: bool, rest: Value| {
        let mut attribute = json!({ "name": name, "type": kind, "multiValued": multi, "required": false,
            "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none" });
        if let (Some(attribute), Value::Object(rest)) = (attribute.as_object_mut(), rest) {
            attribute.extend(rest);
        }
        attribute
    };
    let plain = |name: &str| attribute(name, "string", false, json!({}));
    let schema = |id: &str, name: &str, attributes: Vec<Value>| {
        json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": id, "name": name,
            "attributes": attributes, "meta": { "resourceType": "Schema" } })
    };
    let names = ["formatted", "familyName", "givenName"].map(plain).to_vec();
    let parts = |kind: &str| vec![attribute("value", kind, false, json!({})), plain("display"), plain("type")];
    let user = vec![
        attribute("userName", "string", false, json!({ "required": true, "uniqueness": "server" })),
        attribute("externalId", "string", false, json!({ "caseExact": true })),
        attribute("name", "complex", false, json!({ "subAttributes": names })),
        plain("displayName"),
        attribute("active", "boolean", false, json!({})),
        attribute("password", "string", false, json!({ "mutability": "writeOnly", "returned": "never" })),
        attribute("emails", "complex", true, json!({ "subAttributes": parts("string") })),
        attribute("roles", "complex", true, json!({ "subAttributes": parts("string") })),
        attribute("groups", "complex", true, json!({ "mutability": "readOnly", "subAttributes": parts("string") })),
    ];
    let immutable = |name: &str| attribute(name, "string", false, json!({ "mutability": "immutable" }));
    let members = json!({ "subAttributes": [immutable("value"), immutable("$ref"), immutable("type")] });
    let group = vec![plain("displayName"), attribute("members", "complex", true, members)];
    let enterprise = ["employeeNumber", "costCenter", "organization", "division", "department"].map(plain).to_vec();
    vec![schema(USER, "User", user), schema(GROUP, "Group", group), schema(ENTERPRISE, "EnterpriseUser", enterprise)]
}
