package policy

func validate(set *Set) Problems { return nil }
