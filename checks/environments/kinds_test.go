package environments

import "testing"

func TestKindOf(t *testing.T) {
	t.Parallel()
	tests := map[string]Kind{
		"main.go": Code, "src/a.tsx": Code, "Dockerfile": Code, "infra/main.tf": Code, "a.sql": Code, "bin/deploy.sh": Code, "src/JobSpec.java": Code, "EXIT.java": Code, "test_runner.go": Code,
		"webpack.config.js": Build, "Makefile": Build, "build.gradle.kts": Build, ".eslintrc.js": Build,
		"a_test.go": Test, "src/a.test.ts": Test, "spec/a_spec.rb": Test, "src/test/java/A.java": Test, "src/integrationTest/A.kt": Test, "UserIT.java": Test,
		"testdata/a.go": Test, "tests/a.py": Test, "test_a.py": Test, "conftest.py": Test, "ATests.cs": Test, "src/Shop.Tests/appsettings.json": Test, "Basket.FunctionalTests/a.json": Test, "src/latest/a.json": Data, "src/a.stories.tsx": Test,
		"config/test/app.yml": Data, "config/a.yml": Data, ".env": Data, ".env.production": Data, "a.properties": Data, "config.test.json": Data,
		"README.md": Docs, "docs/a.go": Docs, "CHANGELOG": Docs, "a.rst": Docs,
		"package-lock.json": Vendor, "vendor/a/b.go": Vendor, "node_modules/a/b.js": Vendor, "a.min.js": Vendor, "a.pb.go": Vendor, "go.sum": Vendor,
		".github/workflows/a.yml": CI, ".gitlab-ci.yml": CI, "Jenkinsfile": CI,
		"a.png": Other, "id_rsa": Other, "key.pem": Other, "": Other,
	}
	for path, want := range tests {
		if got := KindOf(path); got != want {
			t.Errorf("KindOf(%q) = %v, want %v", path, got, want)
		}
	}
}
