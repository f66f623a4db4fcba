//! Groups of widely used artifacts whose archives name themselves by file name alone: builds by Ant
//! or Gradle leave no `pom.properties`.

/// Artifacts whose names begin so (`-` at the end) or are so, with their groups on Maven Central.
const GROUPS: &[(&str, &str)] = &[
    ("activemq-", "org.apache.activemq"),
    ("ant", "org.apache.ant"),
    ("aopalliance", "aopalliance"),
    ("asm", "org.ow2.asm"),
    ("asm-", "org.ow2.asm"),
    ("batik-", "org.apache.xmlgraphics"),
    ("bcpkix-", "org.bouncycastle"),
    ("bcprov-", "org.bouncycastle"),
    ("bcutil-", "org.bouncycastle"),
    ("bson", "org.mongodb"),
    ("c3p0", "com.mchange"),
    ("commons-beanutils", "commons-beanutils"),
    ("commons-codec", "commons-codec"),
    ("commons-collections", "commons-collections"),
    ("commons-collections4", "org.apache.commons"),
    ("commons-compress", "org.apache.commons"),
    ("commons-configuration", "commons-configuration"),
    ("commons-configuration2", "org.apache.commons"),
    ("commons-fileupload", "commons-fileupload"),
    ("commons-httpclient", "commons-httpclient"),
    ("commons-io", "commons-io"),
    ("commons-lang", "commons-lang"),
    ("commons-lang3", "org.apache.commons"),
    ("commons-logging", "commons-logging"),
    ("commons-text", "org.apache.commons"),
    ("dom4j", "org.dom4j"),
    ("dubbo", "org.apache.dubbo"),
    ("elasticsearch", "org.elasticsearch"),
    ("fastjson", "com.alibaba"),
    ("fastjson2", "com.alibaba.fastjson2"),
    ("groovy", "org.codehaus.groovy"),
    ("groovy-", "org.codehaus.groovy"),
    ("gson", "com.google.code.gson"),
    ("guava", "com.google.guava"),
    ("guice", "com.google.inject"),
    ("h2", "com.h2database"),
    ("hibernate-core", "org.hibernate"),
    ("hsqldb", "org.hsqldb"),
    ("httpclient", "org.apache.httpcomponents"),
    ("httpcore", "org.apache.httpcomponents"),
    ("jackson-annotations", "com.fasterxml.jackson.core"),
    ("jackson-core", "com.fasterxml.jackson.core"),
    ("jackson-databind", "com.fasterxml.jackson.core"),
    ("jackson-dataformat-", "com.fasterxml.jackson.dataformat"),
    ("jetty-", "org.eclipse.jetty"),
    ("jsoup", "org.jsoup"),
    ("jsr305", "com.google.code.findbugs"),
    ("junit", "junit"),
    ("kafka-clients", "org.apache.kafka"),
    ("kotlin-", "org.jetbrains.kotlin"),
    ("log4j", "log4j"),
    ("log4j-", "org.apache.logging.log4j"),
    ("logback-", "ch.qos.logback"),
    ("lucene-", "org.apache.lucene"),
    ("mongo-java-driver", "org.mongodb"),
    ("mongodb-driver", "org.mongodb"),
    ("mongodb-driver-", "org.mongodb"),
    ("mssql-jdbc", "com.microsoft.sqlserver"),
    ("mysql-connector-j", "com.mysql"),
    ("mysql-connector-java", "mysql"),
    ("netty-", "io.netty"),
    ("ognl", "ognl"),
    ("ojdbc", "com.oracle.database.jdbc"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("pdfbox", "org.apache.pdfbox"),
    ("poi", "org.apache.poi"),
    ("poi-", "org.apache.poi"),
    ("postgresql", "org.postgresql"),
    ("protobuf-java", "com.google.protobuf"),
    ("quartz", "org.quartz-scheduler"),
    ("shiro-", "org.apache.shiro"),
    ("slf4j-", "org.slf4j"),
    ("snakeyaml", "org.yaml"),
    ("solr-core", "org.apache.solr"),
    ("spring-aop", "org.springframework"),
    ("spring-beans", "org.springframework"),
    ("spring-boot", "org.springframework.boot"),
    ("spring-boot-", "org.springframework.boot"),
    ("spring-context", "org.springframework"),
    ("spring-core", "org.springframework"),
    ("spring-data-", "org.springframework.data"),
    ("spring-expression", "org.springframework"),
    ("spring-jdbc", "org.springframework"),
    ("spring-messaging", "org.springframework"),
    ("spring-orm", "org.springframework"),
    ("spring-security-", "org.springframework.security"),
    ("spring-test", "org.springframework"),
    ("spring-tx", "org.springframework"),
    ("spring-web", "org.springframework"),
    ("spring-webflux", "org.springframework"),
    ("spring-webmvc", "org.springframework"),
    ("struts2-core", "org.apache.struts"),
    ("tika-", "org.apache.tika"),
    ("tomcat-", "org.apache.tomcat"),
    ("tomcat-embed-", "org.apache.tomcat.embed"),
    ("undertow-core", "io.undertow"),
    ("velocity", "org.apache.velocity"),
    ("velocity-engine-core", "org.apache.velocity"),
    ("xalan", "xalan"),
    ("xercesImpl", "xerces"),
    ("xstream", "com.thoughtworks.xstream"),
    ("zookeeper", "org.apache.zookeeper"),
];

/// The group that publishes an artifact of this name; the whole name before a beginning, and the
/// longer beginning before the shorter.
pub(super) fn group_of(artifact: &str) -> Option<&'static str> {
    let fits = |name: &str| name == artifact || (name.ends_with('-') && artifact.starts_with(name));
    let known = GROUPS.iter().filter(|(name, _)| fits(name));
    known.max_by_key(|(name, _)| (*name == artifact, name.len())).map(|(_, group)| *group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_counts() {
        assert_eq!(group_of("spring-boot-starter"), Some("org.springframework.boot"));
        assert_eq!(group_of("asm-tree"), Some("org.ow2.asm"));
        assert_eq!(group_of("spring-petclinic"), None);
    }
}
